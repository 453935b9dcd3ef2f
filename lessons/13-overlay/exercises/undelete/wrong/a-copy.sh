#!/bin/bash
# refused: from-the-image/a-copy
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=changes,workdir=work merged
    cp image/letter merged/letter
    exec sleep 1302' &
