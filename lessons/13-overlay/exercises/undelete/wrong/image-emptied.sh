#!/bin/bash
# refused: back/image
# The letter itself has been taken out of the image.
rm -f changes/letter
rm image/letter
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=changes,workdir=work merged
    exec sleep 1302' &
