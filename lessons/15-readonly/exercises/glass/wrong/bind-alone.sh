#!/bin/bash
# refused: read-only/writable
unshare --user --map-root-user --mount sh -c 'mount --bind data /mnt && exec sleep 1501' >/dev/null 2>&1 </dev/null &
echo fresh > data/news
