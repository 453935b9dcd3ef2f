#!/bin/bash
rm -f changes/letter
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=changes,workdir=work merged
    exec sleep 1302' &
