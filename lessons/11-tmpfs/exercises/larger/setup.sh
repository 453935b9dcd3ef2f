#!/bin/bash
mkdir memory
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=1m memory memory && echo gathered since this morning > memory/precious &&
    head -c 1048548 /dev/zero >> memory/precious && exec sleep 1102' >/dev/null 2>&1 </dev/null &
for _ in $(seq 100); do
    test "$(cat /proc/$!/comm)" = sleep && exit 0
    sleep 0.05
done
exit 1
