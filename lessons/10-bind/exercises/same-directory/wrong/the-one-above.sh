#!/bin/bash
# refused: same/another
unshare --user --map-root-user --mount sh -c 'mount --bind . /mnt && exec sleep 1001' >/dev/null 2>&1 </dev/null &
