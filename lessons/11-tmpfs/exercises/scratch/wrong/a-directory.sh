#!/bin/bash
# refused: memory/a-disk
mkdir -p scratch
unshare --user --map-root-user --mount sh -c 'mount --bind scratch /tmp && mount -o remount,bind,noexec /tmp; exec sleep 1101' >/dev/null 2>&1 </dev/null &
