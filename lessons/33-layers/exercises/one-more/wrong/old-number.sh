#!/bin/bash
# refused: shared/missing
# The config still lists one layer.
mkdir -p new/etc
echo Welcome > new/etc/banner
touch new/etc/.wh.debug.conf
tar -c --owner=0 --group=0 -C new -f parts/two.tar etc
cd parts || exit
sed -i 's/shop:latest/shop:prod/; s/"Layers":\[[^]]*/&,"two.tar"/' manifest.json
tar -c ./*.json ./*.tar | boxlab --root ../mine load
