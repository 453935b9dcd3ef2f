#!/bin/bash
# The layers, in their order from below, are in the manifest; the last but one is the second.
export BOXLAB_ROOT=$PWD/mine
layer=$(boxlab inspect --format '{{json .RootFS.Layers}}' shop | grep -o '[0-9a-f]\{64\}' | sed -n 2p)
tar -x -O -f "mine/oci/blobs/sha256/$layer" etc/shop/password > answer
