#!/bin/bash
# refused: diary/fresh-layer
mkdir fresh
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=fresh,workdir=work merged
    exec sleep 1302' &
