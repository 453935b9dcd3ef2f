#!/bin/bash
# refused: same/nothing-there
unshare --user --map-root-user --mount sleep 1001 >/dev/null 2>&1 </dev/null &
