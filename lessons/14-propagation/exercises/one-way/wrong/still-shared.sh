#!/bin/bash
# refused: listens/still-shared
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none media; mount --make-shared media; mkdir media/stick media/private
unshare --mount --propagation unchanged sh -c "mount -t tmpfs none media/private; exec sleep 1402" &
sleep 0.5; mount -t tmpfs none media/stick; exec sleep 1401' >/dev/null 2>&1 </dev/null &
