#!/bin/bash
# refused: back/whiteout
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=changes,workdir=work merged
    exec sleep 1302' &
