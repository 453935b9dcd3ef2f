#!/bin/bash
# refused: zero/no-map
unshare --user sleep 2901 >/dev/null 2>&1 </dev/null &
unshare --user sleep 2902 >/dev/null 2>&1 </dev/null &
