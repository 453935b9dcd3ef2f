#!/bin/bash
ours=$(readlink /proc/self/ns/cgroup)
while read -r pid; do
    [ "$(readlink "/proc/$pid/ns/cgroup")" = "$ours" ] || echo "$pid" >answer
done <numbers
