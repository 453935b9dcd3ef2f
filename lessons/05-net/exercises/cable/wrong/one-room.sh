#!/bin/bash
# refused: rooms/one-room
# Both ends of the cable in the same network.
unshare --user --map-root-user --net bash -c '
    ip link set lo up
    ip link add a type veth peer name b
    ip address add 10.5.0.1/24 dev a; ip link set a up
    ip address add 10.5.0.2/24 dev b; ip link set b up
    sleep 0503 &
    exec sleep 0502' &
