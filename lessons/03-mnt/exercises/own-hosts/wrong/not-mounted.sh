#!/bin/bash
# refused: own-hosts/not-mounted
echo '127.0.0.1 box.example' >hosts
unshare --user --map-root-user --mount sleep 0302 &
