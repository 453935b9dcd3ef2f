#!/bin/bash
unshare --user --map-root-user --pid --fork --kill-child sh -c \
    '/bin/true; sleep 4021 & /bin/true; sleep 4022 & sleep 4023 & exec sleep 4024' >/dev/null 2>&1 </dev/null &
for _ in $(seq 100); do
    child=$(pgrep -P $!)
    if test -n "$child" && test "$(cat "/proc/$child/comm")" = sleep && test "$(pgrep -c -P "$child" -x sleep)" = 3; then
        exit 0
    fi
    sleep 0.05
done
exit 1
