#!/bin/bash
unshare --user --map-root-user --mount sh -c '
mount --bind data /mnt && mount -o remount,bind,ro /mnt && exec sleep 1501' >/dev/null 2>&1 </dev/null &
sleep 0.3
echo fresh > data/news
