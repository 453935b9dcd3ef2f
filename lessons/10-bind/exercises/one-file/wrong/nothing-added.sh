#!/bin/bash
# refused: late/no-line
unshare --user --map-root-user --mount sh -c 'mount --bind hosts /etc/hosts && exec sleep 1002' >/dev/null 2>&1 </dev/null &
