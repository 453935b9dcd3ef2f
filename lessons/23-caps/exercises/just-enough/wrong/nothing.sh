#!/bin/bash
# refused: served/not-running
setsid boxlab -q security caps --drop ALL -- ./service >/dev/null 2>&1 </dev/null &
for _ in 1 2 3 4 5; do
    grep -q 2302 log && break
    sleep 0.2
done
