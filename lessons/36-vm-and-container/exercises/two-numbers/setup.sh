#!/bin/bash
setsid boxlab -q run --hostname box host sh -c 'sleep 3602 & sleep 3601 & exec sleep 3603' >/dev/null 2>&1 </dev/null &
# The shell becomes that program last.
for _ in {1..200}; do
    pgrep -x -f 'sleep 3601' >/dev/null && pgrep -x -f 'sleep 3603' >/dev/null && break
    sleep 0.1
done
