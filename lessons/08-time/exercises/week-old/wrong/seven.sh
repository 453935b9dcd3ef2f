#!/bin/bash
# refused: shifted/other-span
# Seven, but seconds.
unshare --user --map-root-user --time --boottime 7 --fork sleep 0801 &
