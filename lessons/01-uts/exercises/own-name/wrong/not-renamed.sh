#!/bin/bash
# refused: renamed/a-copy
unshare --user --map-root-user --uts sleep 777 &
