#!/bin/bash
# refused: own-root/hosts-root
# A mount namespace begins with the same files.
mkdir rootfs
echo mine > rootfs/whose
setsid unshare --map-root-user --mount sleep 3001 >/dev/null 2>&1 </dev/null &
