#!/bin/bash
# refused: shared/another-one
unshare --user --map-root-user --uts sh -c 'hostname crew; exec sleep 0101' &
unshare --user --map-root-user --uts sleep 0102 &
