#!/bin/bash
# refused: its-own/covered
unshare --user --map-root-user --mount --pid --fork --kill-child sh -c 'mount -t tmpfs none /proc; exec sleep 1201' &
