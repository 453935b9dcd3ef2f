#!/bin/bash
# refused: first-name/too-much
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs -o ro none tree/sub
mount --rbind tree /mnt
mount -o remount,bind,ro /mnt
exec sleep 1502' >/dev/null 2>&1 </dev/null &
