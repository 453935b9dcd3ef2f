#!/bin/bash
# refused: shared/outside
unshare --user --map-root-user --uts sh -c 'hostname crew; exec sleep 0101' &
sleep 0102 &
