#!/bin/bash
# refused: window/covered
# The window is made first, and then covered by the root that is bound onto itself.
mkdir rootfs/data
unshare --user --map-root-user --mount sh -c '
mount --bind data rootfs/data
mount --bind rootfs rootfs
mount --rbind /proc rootfs/proc
cd rootfs
pivot_root . mnt
exec chroot . sh -c "umount -l /mnt; exec sleep 1602"' >/dev/null 2>&1 </dev/null &
