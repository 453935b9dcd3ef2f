#!/bin/bash
# refused: same/another
kill -9 "$(pgrep -n -f '^sleep 1202')"
unshare --user --map-root-user --pid --fork --kill-child --mount-proc sleep 1202 >/dev/null 2>&1 </dev/null &
