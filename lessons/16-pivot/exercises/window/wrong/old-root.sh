#!/bin/bash
# refused: nothing-else/old-root
mkdir rootfs/data
unshare --user --map-root-user --mount sh -c '
mount --bind rootfs rootfs
mount --bind data rootfs/data
cd rootfs
pivot_root . mnt
exec chroot . sleep 1602' >/dev/null 2>&1 </dev/null &
