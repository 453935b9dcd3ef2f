#!/bin/bash
# refused: late/another-file
cp hosts copy
unshare --user --map-root-user --mount sh -c 'mount --bind copy /etc/hosts && exec sleep 1002' >/dev/null 2>&1 </dev/null &
echo '10.7.7.7 late' >> hosts
