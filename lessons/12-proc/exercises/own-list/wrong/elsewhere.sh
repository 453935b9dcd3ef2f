#!/bin/bash
# refused: its-own/hosts-list
# There is a list of its own, but nobody looks for it there.
mkdir mine
unshare --user --map-root-user --mount --pid --fork --kill-child sh -c 'mount -t proc proc mine; exec sleep 1201' &
