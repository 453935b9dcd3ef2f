#!/bin/bash
mkdir -p new/etc
echo Welcome > new/etc/banner
touch new/etc/.wh.debug.conf
tar -c --owner=0 --group=0 -C new -f parts/two.tar etc
cd parts || exit
id=$(sha256sum < two.tar | cut -c -64)
sed -i "s/\"diff_ids\":\[[^]]*/&,\"sha256:$id\"/" [0-9a-f]*.json
sed -i 's/shop:latest/shop:prod/; s/"Layers":\[[^]]*/&,"two.tar"/' manifest.json
tar -c ./*.json ./*.tar | boxlab --root ../mine load
