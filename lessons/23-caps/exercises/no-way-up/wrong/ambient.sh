#!/bin/bash
# refused: bound/open
# A user other than root, with one capability kept: what it holds is right, what could be had is not.
unshare --user --map-user=1234 --keep-caps setpriv \
    --inh-caps=-all,+net_bind_service --ambient-caps=-all,+net_bind_service sleep 2301 >/dev/null 2>&1 &
