#!/bin/bash
# refused: memory/nothing-there
mkdir -p tmp
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=4m,noexec scratch tmp && exec sleep 1101' >/dev/null 2>&1 </dev/null &
