#!/bin/bash
unshare --user --map-root-user --mount sh -c 'mount --bind hosts /etc/hosts && exec sleep 1002' >/dev/null 2>&1 </dev/null &
sleep 0.5
echo '10.7.7.7 late' >> hosts
