#!/bin/bash
# refused: gone/still-there
unshare --user --map-root-user --mount sh -c '
    PATH=$PATH:/usr/sbin:/sbin
    mount --rbind jail jail
    cd jail
    pivot_root . old
    cd /
    exec sleep 3801' &
