#!/bin/bash
# refused: found/empty
layer=$(boxlab --root mine inspect --format '{{json .RootFS.Layers}}' shop | grep -o '[0-9a-f]\{64\}' | tail -n 1)
tar -x -O -f "mine/oci/blobs/sha256/$layer" etc/shop/.wh.password > answer
