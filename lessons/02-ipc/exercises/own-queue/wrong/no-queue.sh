#!/bin/bash
# refused: queue/empty
unshare --user --map-root-user --ipc sleep 0201 &
