#!/bin/bash
# refused: six/nothing
# The namespaces are there, and another program lives in them.
unshare --user --map-root-user --mount --uts --ipc --net --cgroup --time --pid --fork --kill-child sleep 900 &
sleep 901 &
