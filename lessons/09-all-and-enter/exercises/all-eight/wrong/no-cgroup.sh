#!/bin/bash
# refused: six/no-cgroup
unshare --user --map-root-user --mount --uts --ipc --net --time --pid --fork --kill-child sleep 901 &
