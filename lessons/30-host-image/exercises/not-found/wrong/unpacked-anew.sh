#!/bin/bash
# refused: mended/a-new-one
boxlab -q image unpack host whole
setsid unshare --map-root-user --root=whole sleep 3002 >/dev/null 2>&1 </dev/null &
