#!/bin/bash
# refused: own-hosts/other-text
: >hosts
unshare --user --map-root-user --mount sh -c 'mount --bind hosts /etc/hosts; echo 127.0.0.1 box >hosts; exec sleep 0302' &
