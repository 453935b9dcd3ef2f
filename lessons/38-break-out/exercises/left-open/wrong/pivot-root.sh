#!/bin/bash
# refused: closed/the-key
# The better wall: it doesn't help against what is open.
exec 8< vault/key
unshare --user --map-root-user --mount sh -c '
    PATH=$PATH:/usr/sbin:/sbin
    mount --rbind jail jail
    cd jail
    pivot_root . .
    umount -l .
    exec chroot . sleep 3802' &
