#!/bin/bash
# refused: second/one-layer
tool=http://$(cat address)/v2/tool
layers=$(curl -s "$tool/manifests/1" | sed "s/.*\"layers\"//" | grep -o "sha256:[0-9a-f]*")
for layer in $layers; do curl -s -o "$layer" "$tool/blobs/$layer"; done
mkdir root
tar -x --no-same-owner -C root -f ./"$(echo "$layers" | head -n 1)"
setsid unshare --map-root-user --root=root sleep 3502 >/dev/null 2>&1 </dev/null &
