#!/bin/bash
# refused: holds/lost
unshare --user --map-user=1234 sleep 2303 >/dev/null 2>&1 &
