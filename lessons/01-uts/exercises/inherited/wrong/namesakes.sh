#!/bin/bash
# refused: shared/namesakes
unshare --user --map-root-user --uts sh -c 'hostname crew; exec sleep 0101' &
unshare --user --map-root-user --uts sh -c 'hostname crew; exec sleep 0102' &
