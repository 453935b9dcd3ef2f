#!/bin/bash
# refused: limited/another-size
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o noexec scratch /tmp && exec sleep 1101' >/dev/null 2>&1 </dev/null &
