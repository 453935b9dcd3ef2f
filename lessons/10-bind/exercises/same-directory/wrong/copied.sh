#!/bin/bash
# refused: same/copied
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /mnt && cp data/* /mnt && exec sleep 1001' >/dev/null 2>&1 </dev/null &
