#!/bin/bash
# refused: not-you/map-root-user
unshare --map-root-user sleep 2901 >/dev/null 2>&1 </dev/null &
unshare --map-root-user sleep 2902 >/dev/null 2>&1 </dev/null &
