#!/bin/bash
# refused: runs/not-running
# The program is there; it isn't what is missing.
cp --dereference "$(command -v sleep)" broken/bin/sleep
setsid unshare --map-root-user --root=broken sleep 3002 >/dev/null 2>&1 </dev/null &
