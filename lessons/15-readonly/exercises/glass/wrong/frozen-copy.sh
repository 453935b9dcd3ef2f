#!/bin/bash
# refused: same/copied
echo fresh > data/news
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none /mnt && cp data/* /mnt && mount -o remount,bind,ro /mnt && exec sleep 1501' >/dev/null 2>&1 </dev/null &
