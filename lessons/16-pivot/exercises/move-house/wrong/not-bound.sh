#!/bin/bash
# refused: top/chroot
# Not a mount point: pivot_root fails with EINVAL, and only the chroot is left.
unshare --user --map-root-user --mount sh -c '
cd rootfs
pivot_root . mnt
exec chroot . sleep 1601' >/dev/null 2>&1 </dev/null &
