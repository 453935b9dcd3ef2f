#!/bin/bash
# refused: holds/lost
# The bounding set gives nothing.
unshare --user --map-user=1234 --keep-caps setpriv --bounding-set=-all,+net_bind_service \
    --inh-caps=-all --ambient-caps=-all sleep 2303 >/dev/null 2>&1 &
