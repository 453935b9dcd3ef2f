#!/bin/bash
# refused: queue/empty
# The queue is made in one new namespace, the program starts in another.
unshare --user --map-root-user --ipc ipcmk -Q
unshare --user --map-root-user --ipc sleep 0201 &
