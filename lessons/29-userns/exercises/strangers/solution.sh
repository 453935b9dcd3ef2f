#!/bin/bash
if [ "$(id -u)" = 0 ]; then
    boxlab -q ns user --map 0:1000000:1000 -- sleep 2901 >/dev/null 2>&1 </dev/null &
    boxlab -q ns user --map 0:1001000:1000 -- sleep 2902 >/dev/null 2>&1 </dev/null &
else
    first=$(awk -F: -v me="$(id -un)" '$1 == me { print $2; exit }' /etc/subuid)
    second=$((first + 1000))
    unshare --map-users="$first,0,1000" --map-groups="$first,0,1000" sleep 2901 >/dev/null 2>&1 </dev/null &
    unshare --map-users="$second,0,1000" --map-groups="$second,0,1000" sleep 2902 >/dev/null 2>&1 </dev/null &
fi
