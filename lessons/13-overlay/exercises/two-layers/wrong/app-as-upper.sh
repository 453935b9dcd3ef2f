#!/bin/bash
# refused: kept/lower-is-upper
mkdir -p work merged
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=base,upperdir=app,workdir=work merged
    echo mine > merged/note
    exec sleep 1301' &
