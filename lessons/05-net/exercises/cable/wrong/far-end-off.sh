#!/bin/bash
# refused: there/own-address
# The far end was moved, and nobody has given it an address. (lo is on: one's own address answers.)
unshare --user --map-root-user --net bash -c '
    ip link set lo up
    unshare --net sleep 0503 &
    right=$!
    until [ "$(readlink /proc/$right/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
    ip link add cable type veth peer name cable netns "$right"
    ip address add 10.5.0.1/24 dev cable
    ip link set cable up
    exec sleep 0502' &
