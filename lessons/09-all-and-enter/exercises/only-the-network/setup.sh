#!/bin/bash
unshare --user --map-root-user --mount --uts --net sh -c 'hostname cell && exec sleep 902' >/dev/null 2>&1 </dev/null &
for _ in $(seq 100); do
    test "$(cat /proc/$!/comm)" = sleep && exit 0
    sleep 0.05
done
exit 1
