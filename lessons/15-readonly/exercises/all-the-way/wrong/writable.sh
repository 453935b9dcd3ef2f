#!/bin/bash
# refused: top
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none tree/sub
mount --rbind tree /mnt
exec sleep 1502' >/dev/null 2>&1 </dev/null &
