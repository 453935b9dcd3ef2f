#!/bin/bash
# refused: network/a-new-one
unshare --user --map-root-user --net sleep 903 &
