#!/bin/bash
# refused: own-root/no-such-file
# The file lies beside the new root, not in it.
boxlab -q image host >/dev/null
boxlab -q image unpack host rootfs
echo mine > whose
setsid unshare --map-root-user --root=rootfs sleep 3001 >/dev/null 2>&1 </dev/null &
