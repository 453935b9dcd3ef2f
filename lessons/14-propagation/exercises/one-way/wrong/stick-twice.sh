#!/bin/bash
# refused: news-in/stick-of-its-own
# Both mount a stick; the one inside, mounted last, covers the one that was passed on.
unshare --user --map-root-user --mount sh -c '
mount -t tmpfs none media; mount --make-shared media; mkdir media/stick media/private
unshare --mount --propagation slave sh -c "mount -t tmpfs none media/private; sleep 0.5; mount -t tmpfs none media/stick; exec sleep 1402" &
sleep 0.2; mount -t tmpfs none media/stick; exec sleep 1401' >/dev/null 2>&1 </dev/null &
