#!/bin/bash
# refused: numbered/caller-stayed
pid=$(pgrep -n -f '^sleep 904')
nsenter --target "$pid" --user --preserve-credentials --mount --uts --ipc --net sleep 905 &
