#!/bin/bash
# refused: sealed/too-late
cat > container.sh <<'END'
exec unshare --mount --propagation unchanged sh -c '
mount -t tmpfs none work/secret
mount --make-rprivate /
echo 1411 > work/secret/key
exec sleep 1411'
END
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
