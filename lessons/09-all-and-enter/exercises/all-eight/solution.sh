#!/bin/bash
unshare --user --map-root-user --mount --uts --ipc --net --cgroup --time --pid --fork --kill-child sleep 901 &
