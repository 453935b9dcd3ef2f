#!/bin/bash
# A registry with an image of two layers: the host image, and a change to it.
(setsid boxlab --root there registry serve --listen 127.0.0.1:0 >address 2>requests </dev/null &)
boxlab -q --root store image host >/dev/null
mkdir -p work/change/etc work/change/usr/bin && cd work || exit
boxlab -q --root ../store save host | tar -x
echo "layer two" > change/etc/whose
touch change/etc/.wh.profile change/usr/bin/.wh.head
tar -c --owner=0 --group=0 -C change -f two.tar etc usr
id=$(sha256sum < two.tar | cut -c -64)
sed -i "s/\"diff_ids\":\[[^]]*/&,\"sha256:$id\"/" [0-9a-f]*.json
until [ -s ../address ]; do sleep 0.1; done
sed -i "s,host:latest,$(cat ../address)/tool:1,; s/\"Layers\":\[[^]]*/&,\"two.tar\"/" manifest.json
tar -c [0-9a-f]*.json manifest.json ./*.tar | boxlab -q --root ../store load >/dev/null
boxlab -q --root ../store push "$(cat ../address)/tool:1"
cd ..
rm -rf work store
