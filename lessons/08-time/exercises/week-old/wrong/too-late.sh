#!/bin/bash
# refused: shifted/not-shifted
# A process lives in it already: the offsets are fixed.
unshare --user --map-root-user --time --fork sh -c 'echo boottime 604800 0 >/proc/self/timens_offsets; exec sleep 0801' 2>/dev/null &
