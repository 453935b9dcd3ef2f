#!/bin/bash
# refused: mounted/nowhere
mkdir -p upper work merged
unshare --user --map-root-user --mount mount -t overlay overlay -o lowerdir=app:base,upperdir=upper,workdir=work merged
sleep 1301 &
