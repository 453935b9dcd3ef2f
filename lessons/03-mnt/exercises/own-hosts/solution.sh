#!/bin/bash
echo '127.0.0.1 localhost box.example' >hosts
unshare --user --map-root-user --mount sh -c 'mount --bind hosts /etc/hosts; exec sleep 0302' &
