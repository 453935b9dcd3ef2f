#!/bin/bash
# refused: written/no-upper
mkdir -p merged
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=app:base merged
    echo mine > merged/note
    exec sleep 1301' &
