#!/bin/bash
# refused: shifted/other-clock
unshare --user --map-root-user --time --monotonic 604800 --fork sleep 0801 &
