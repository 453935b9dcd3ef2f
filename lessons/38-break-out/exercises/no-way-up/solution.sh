#!/bin/bash
# umount reads /proc, and that must be one of an own PID namespace.
unshare --user --map-root-user --mount --pid --fork --kill-child sh -c '
    PATH=$PATH:/usr/sbin:/sbin
    mount --rbind jail jail
    mount -t proc proc jail/proc
    cd jail
    pivot_root . old
    cd /
    umount -l /old
    exec sleep 3801' &
