#!/bin/bash
unshare --user --map-root-user --mount --uts --ipc --net --pid --fork --kill-child --mount-proc sleep 904 >/dev/null 2>&1 </dev/null &
for _ in $(seq 100); do
    child=$(pgrep -P $!)
    test -n "$child" && test "$(cat "/proc/$child/comm")" = sleep && exit 0
    sleep 0.05
done
exit 1
