#!/bin/bash
# refused: runs/not-running
# The right file, but nobody looks for it there.
loader=$(ldd "$(command -v sleep)" | awk '$1 ~ /^\// { print $1 }')
cp --dereference "$loader" broken/usr/bin/
setsid unshare --map-root-user --root=broken sleep 3002 >/dev/null 2>&1 </dev/null &
