#!/bin/bash
# refused: found/another-kind
# All three differ in that one; the last is no better than any.
ours=$(readlink /proc/self/ns/user)
while read -r pid; do
    [ "$(readlink "/proc/$pid/ns/user")" = "$ours" ] || echo "$pid" >answer
done <numbers
