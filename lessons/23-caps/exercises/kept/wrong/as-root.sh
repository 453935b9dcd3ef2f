#!/bin/bash
# refused: ordinary/root
unshare --map-root-user sleep 2303 >/dev/null 2>&1 &
