#!/bin/bash
unshare --user --map-root-user --mount --pid --fork --kill-child sleep 1202 >/dev/null 2>&1 </dev/null &
for _ in $(seq 100); do
    child=$(pgrep -P $!)
    if test -n "$child" && test "$(cat "/proc/$child/comm")" = sleep; then
        readlink "/proc/$child/ns/pid" > namespace-at-the-start
        exit 0
    fi
    sleep 0.05
done
exit 1
