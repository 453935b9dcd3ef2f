#!/bin/bash
# Writes to the disk, past the page cache where that can be done; for ten minutes at most.
cat > writer-2002.sh <<'END'
while [ $SECONDS -lt 600 ]; do
    dd if=/dev/zero of=written bs=64k count=8 oflag=direct conv=notrunc || sleep 1
    sleep 0.1
done
END
setsid bash writer-2002.sh >/dev/null 2>&1 </dev/null &
echo $! > pid
