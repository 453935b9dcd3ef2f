#!/bin/bash
mkdir -p upper work merged
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=app:base,upperdir=upper,workdir=work merged
    echo mine > merged/note
    exec sleep 1301' &
