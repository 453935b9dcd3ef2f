#!/bin/bash
unshare --user --map-root-user --net bash -c '
    unshare --net sleep 0503 &
    right=$!
    until [ "$(readlink /proc/$right/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
    ip link add cable type veth peer name cable netns "$right"
    ip address add 10.5.0.1/24 dev cable
    ip link set cable up
    nsenter --target "$right" --net sh -c "ip address add 10.5.0.2/24 dev cable; ip link set cable up"
    exec sleep 0502' &
