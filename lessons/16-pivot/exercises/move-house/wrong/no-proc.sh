#!/bin/bash
# refused: gone/left-beneath
# umount(8) finds no /proc/self/mountinfo in the new root, and gives up.
unshare --user --map-root-user --mount sh -c '
mount --bind rootfs rootfs
cd rootfs
pivot_root . mnt
umount -l mnt
exec chroot . sleep 1601' >/dev/null 2>&1 </dev/null &
