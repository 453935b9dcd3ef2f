#!/bin/bash
# refused: limited/another-size
# 4000000 bytes are not 4 MiB.
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o noexec,size=4000000 scratch /tmp && exec sleep 1101' >/dev/null 2>&1 </dev/null &
