#!/bin/bash
setsid boxlab -q run --hostname box host sh -c 'sleep 3605 & sleep 3606 & exec sleep 3607' >/dev/null 2>&1 </dev/null &
# The shell becomes that program last.
for _ in {1..200}; do
    pgrep -x -f 'sleep 3605' >/dev/null && pgrep -x -f 'sleep 3607' >/dev/null && break
    sleep 0.1
done
