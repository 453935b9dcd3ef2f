#!/bin/bash
# refused: two/no-time
unshare --user --map-root-user --mount --uts --ipc --net --cgroup --pid --fork --kill-child sleep 901 &
