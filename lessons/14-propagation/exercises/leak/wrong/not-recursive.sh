#!/bin/bash
# refused: sealed/still-shared
cat > container.sh <<'END'
exec unshare --mount --propagation unchanged sh -c '
mount --make-private /
mount -t tmpfs none work/secret
echo 1411 > work/secret/key
exec sleep 1411'
END
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
