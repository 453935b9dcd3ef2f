#!/bin/bash
# refused: found/namespace-number
ours=$(readlink /proc/self/ns/cgroup)
while read -r pid; do
    theirs=$(readlink "/proc/$pid/ns/cgroup")
    [ "$theirs" = "$ours" ] || echo "$theirs" >answer
done <numbers
