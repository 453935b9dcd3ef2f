#!/bin/bash
# refused: apart
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none media; mount --make-shared media; mkdir media/stick media/private
mount -t tmpfs none media/private; mount -t tmpfs none media/stick; sleep 1402 & exec sleep 1401' >/dev/null 2>&1 </dev/null &
