#!/bin/bash
# refused: gone/stacked
unshare --user --map-root-user --mount sh -c '
mount --bind rootfs rootfs
cd rootfs
pivot_root . .
exec chroot . sleep 1601' >/dev/null 2>&1 </dev/null &
