#!/bin/bash
# refused: two/neither
unshare --user --map-root-user --mount --uts --ipc --net --cgroup --time --pid sleep 901 &
