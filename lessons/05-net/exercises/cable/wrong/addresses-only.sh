#!/bin/bash
# refused: there/itself
# The right addresses, but on interfaces that are not connected. On lo, the whole /24 is one's own.
for side in 1 2; do
    unshare --user --map-root-user --net sh -c "
        ip link set lo up
        ip address add 10.5.0.$side/24 dev lo
        exec sleep 050$((side + 1))" &
done
