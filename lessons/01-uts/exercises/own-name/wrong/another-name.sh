#!/bin/bash
# refused: renamed/a-copy
unshare --user --map-root-user --uts sh -c 'hostname sandbox; exec sleep 777' &
