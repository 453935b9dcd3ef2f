#!/bin/bash
# refused: window/covered
# After the old root is gone, there is no such source.
mkdir rootfs/data
unshare --user --map-root-user --mount sh -c '
mount --bind rootfs rootfs
mount --rbind /proc rootfs/proc
cd rootfs
pivot_root . mnt
exec chroot . sh -c "umount -l /mnt; mount --bind $OLDPWD/data /data; exec sleep 1602"' >/dev/null 2>&1 </dev/null &
