#!/bin/bash
# refused: same/same-namespace
# The mount is made, in a namespace that ends with its only process; the program starts outside.
unshare --user --map-root-user --mount mount --bind data /mnt
sleep 1001 >/dev/null 2>&1 </dev/null &
