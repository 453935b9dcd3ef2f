#!/bin/bash
# refused: kept/covered
kill "$(pgrep -n -f '^sleep 1102')"
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=2m memory memory && exec sleep 1102' >/dev/null 2>&1 </dev/null &
