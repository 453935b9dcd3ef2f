#!/bin/bash
# refused: own-root/not-running
# The program alone: execve fails, since its loader is not there.
mkdir -p rootfs/bin
cp "$(command -v sleep)" rootfs/bin
echo mine > rootfs/whose
setsid unshare --map-root-user --root=rootfs /bin/sleep 3001 >/dev/null 2>&1 </dev/null &
