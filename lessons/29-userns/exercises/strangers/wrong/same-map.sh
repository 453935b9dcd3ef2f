#!/bin/bash
# refused: apart/same-map
if [ "$(id -u)" = 0 ]; then
    boxlab -q ns user --map 0:$((1000000 + 0)):1000 -- sleep 2901 >/dev/null 2>&1 </dev/null &
    boxlab -q ns user --map 0:$((1000000 + 0)):1000 -- sleep 2902 >/dev/null 2>&1 </dev/null &
else
    first=$(awk -F: -v me="$(id -un)" '$1 == me { print $2; exit }' /etc/subuid)
    unshare --map-users="$((first + 0)),0,1000" --map-groups="$((first + 0)),0,1000" sleep 2901 >/dev/null 2>&1 </dev/null &
    unshare --map-users="$((first + 0)),0,1000" --map-groups="$((first + 0)),0,1000" sleep 2902 >/dev/null 2>&1 </dev/null &
fi
