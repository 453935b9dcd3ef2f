#!/bin/bash
# refused: news-in/no-stick
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none media; mount --make-shared media; mkdir media/stick media/private
unshare --mount --propagation slave sh -c "mount -t tmpfs none media/private; exec sleep 1402" &
exec sleep 1401' >/dev/null 2>&1 </dev/null &
