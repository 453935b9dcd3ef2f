#!/bin/bash
# refused: same/begun-anew
kill -KILL "$(pgrep -n -f '^sleep 904')"
unshare --user --map-root-user --mount --uts --ipc --net --pid --fork --kill-child --mount-proc \
    sh -c 'sleep 904 & exec sleep 905' >/dev/null 2>&1 </dev/null &
