#!/bin/bash
# refused: secret/same-table
cat > container.sh <<'END'
mount --make-private work
mount -t tmpfs none work/secret
mount --make-shared work
echo 1411 > work/secret/key
exec sleep 1411
END
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
