#!/bin/bash
# refused: found/another-kind
ours=$(readlink /proc/self/ns/uts)
while read -r pid; do
    [ "$(readlink "/proc/$pid/ns/uts")" = "$ours" ] || echo "$pid" >answer
done <numbers
