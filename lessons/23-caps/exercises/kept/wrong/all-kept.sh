#!/bin/bash
# refused: holds/all-kept
unshare --user --map-user=1234 --keep-caps sleep 2303 >/dev/null 2>&1 &
