#!/bin/bash
# refused: there/no-cable
unshare --user --map-root-user --net sleep 0502 &
unshare --user --map-root-user --net sleep 0503 &
