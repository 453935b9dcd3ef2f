#!/bin/bash
# refused: numbered/caller-stayed
pid=$(pgrep -n -f '^sleep 904')
nsenter --target "$pid" --user --preserve-credentials --mount --uts --ipc --net --pid --no-fork sleep 905 &
