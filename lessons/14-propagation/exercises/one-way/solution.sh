#!/bin/bash
cat > inner.sh <<'END'
mount -t tmpfs none media/private
exec sleep 1402
END
cat > outer.sh <<'END'
mount -t tmpfs none media
mount --make-shared media
mkdir media/stick media/private
unshare --mount --propagation slave sh inner.sh &
until grep -q 'sleep' /proc/$!/comm; do sleep 0.1; done
mount -t tmpfs none media/stick
exec sleep 1401
END
unshare --user --map-root-user --mount sh outer.sh >/dev/null 2>&1 </dev/null &
