#!/bin/bash
# refused: renamed/a-copy
# The name is given in one namespace, the program starts in another.
unshare --user --map-root-user --uts sh -c 'hostname box; sleep 778' &
unshare --user --map-root-user --uts sleep 777 &
