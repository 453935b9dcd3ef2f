#!/bin/bash
# refused: own-files/hosts-files
# All namespaces, and nothing else.
setsid unshare --map-root-user --uts --mount --ipc --net --pid --fork --kill-child \
    sh -c 'hostname web; exec sleep 3101' >/dev/null 2>&1 </dev/null &
