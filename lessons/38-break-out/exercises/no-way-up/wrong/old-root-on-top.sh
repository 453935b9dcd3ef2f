#!/bin/bash
# refused: sealed/not-the-top
unshare --user --map-root-user --mount sh -c '
    PATH=$PATH:/usr/sbin:/sbin
    mount --rbind jail jail
    cd jail
    pivot_root . .
    exec chroot . sleep 3801' &
