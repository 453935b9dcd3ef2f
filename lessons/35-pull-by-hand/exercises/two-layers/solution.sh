#!/bin/bash
tool=http://$(cat address)/v2/tool
mkdir root
for layer in $(curl -s "$tool/manifests/1" | sed 's/.*"layers"//' | grep -o 'sha256:[0-9a-f]*'); do
    curl -s -L -o layer "$tool/blobs/$layer"
    echo "${layer#sha256:}  layer" | sha256sum --check || exit
    tar -x --no-same-owner -C root -f layer
    # What this layer deletes of those below.
    find root -name '.wh.*' | while read -r whiteout; do
        rm -rf "${whiteout%/.wh.*}/${whiteout##*/.wh.}" "$whiteout"
    done
done
setsid unshare --map-root-user --root=root sleep 3502 >/dev/null 2>&1 </dev/null &
