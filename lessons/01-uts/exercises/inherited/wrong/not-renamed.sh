#!/bin/bash
# refused: named/a-copy
unshare --user --map-root-user --uts sh -c 'sleep 0101 & exec sleep 0102' &
