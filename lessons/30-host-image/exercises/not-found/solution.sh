#!/bin/bash
# ldd gives the loader by its path alone.
loader=$(ldd "$(command -v sleep)" | awk '$1 ~ /^\// { print $1 }')
cp --dereference "$loader" "broken$loader"
setsid unshare --map-root-user --root=broken sleep 3002 >/dev/null 2>&1 </dev/null &
