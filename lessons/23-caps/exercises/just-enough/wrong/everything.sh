#!/bin/bash
# refused: enough/everything
unshare --map-root-user ./service >/dev/null 2>&1 &
for _ in 1 2 3 4 5; do
    grep -q 2302 log && break
    sleep 0.2
done
