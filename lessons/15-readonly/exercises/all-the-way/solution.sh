#!/bin/bash
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none tree/sub
mount --rbind tree /mnt
mount -o remount,bind,ro /mnt
mount -o remount,bind,ro /mnt/sub
exec sleep 1502' >/dev/null 2>&1 </dev/null &
