#!/bin/bash
# refused: shown/nothing-there
# A file can't be bound onto a directory.
unshare --user --map-root-user --mount sh -c 'mount --bind hosts /etc; exec sleep 1002' >/dev/null 2>&1 </dev/null &
echo '10.7.7.7 late' >> hosts
