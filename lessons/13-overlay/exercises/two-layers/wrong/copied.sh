#!/bin/bash
# refused: mounted/copied
mkdir -p merged
cp base/* merged
cp app/* merged
echo mine > merged/note
unshare --user --map-root-user --mount sleep 1301 &
