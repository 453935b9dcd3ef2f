#!/bin/bash
# refused: window/too-wide
mkdir rootfs/data
unshare --user --map-root-user --mount sh -c '
mount --bind rootfs rootfs
mount --bind . rootfs/data
mount --rbind /proc rootfs/proc
cd rootfs
pivot_root . mnt
exec chroot . sh -c "umount -l /mnt; exec sleep 1602"' >/dev/null 2>&1 </dev/null &
