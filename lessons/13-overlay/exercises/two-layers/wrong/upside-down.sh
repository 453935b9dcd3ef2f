#!/bin/bash
# refused: order/upside-down
mkdir -p upper work merged
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=base:app,upperdir=upper,workdir=work merged
    echo mine > merged/note
    exec sleep 1301' &
