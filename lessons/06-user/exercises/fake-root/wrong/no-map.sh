#!/bin/bash
# refused: map/no-map
unshare --user sleep 0601 &
