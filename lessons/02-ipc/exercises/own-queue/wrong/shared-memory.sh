#!/bin/bash
# refused: queue/other-object
unshare --user --map-root-user --ipc sh -c 'ipcmk -M 4096; exec sleep 0201' >/dev/null 2>&1 &
