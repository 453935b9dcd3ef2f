#!/bin/bash
# refused: root/chroot
mkdir rootfs/data
unshare --user --map-root-user --mount sh -c '
mount --bind data rootfs/data
exec chroot rootfs sleep 1602' >/dev/null 2>&1 </dev/null &
