#!/bin/bash
# refused: places/a-new-set
unshare --user --map-root-user --mount --uts --ipc --net --pid --fork --kill-child --mount-proc sleep 905 &
