#!/bin/bash
# refused: secret/no-mount
cat > container.sh <<'END'
exec unshare --mount --propagation private sh -c '
echo 1411 > work/secret/key
exec sleep 1411'
END
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
