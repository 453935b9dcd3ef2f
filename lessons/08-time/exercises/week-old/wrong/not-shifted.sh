#!/bin/bash
# refused: shifted/not-shifted
unshare --user --map-root-user --time --fork sleep 0801 &
