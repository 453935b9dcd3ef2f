#!/bin/bash
# refused: found/older
layer=$(boxlab --root mine inspect --format '{{json .RootFS.Layers}}' shop | grep -o '[0-9a-f]\{64\}' | head -n 1)
tar -x -O -f "mine/oci/blobs/sha256/$layer" etc/shop/password > answer
