#!/bin/bash
mkdir work
cat > machine.sh <<'END'
# The machine: its mounts are shared, as systemd makes them.
mount -t tmpfs none work
mkdir work/secret
mount --make-shared work
sh container.sh &
exec sleep 1410
END
cat > container.sh <<'END'
# The container: a mount table of its own, and a secret that only it should see.
exec unshare --mount --propagation unchanged sh -c '
mount -t tmpfs none work/secret
echo 1411 > work/secret/key
exec sleep 1411'
END
