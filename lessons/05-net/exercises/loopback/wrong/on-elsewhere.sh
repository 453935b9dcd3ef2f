#!/bin/bash
# refused: answers/switched-off
unshare --user --map-root-user --net ip link set lo up
unshare --user --map-root-user --net sleep 0501 &
