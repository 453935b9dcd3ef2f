#!/bin/bash
# refused: apart/parent-stayed
unshare --user --map-root-user --mount sh -c 'mount -t proc proc /proc; exec sleep 1201' &
