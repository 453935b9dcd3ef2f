#!/bin/bash
# refused: shown/not-recursive
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none tree/sub
mount --bind tree /mnt
mount -o remount,bind,ro /mnt
exec sleep 1502' >/dev/null 2>&1 </dev/null &
