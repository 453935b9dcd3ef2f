#!/bin/bash
# refused: map/root-inside
unshare --user --map-root-user sleep 0602 &
