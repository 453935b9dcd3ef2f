#!/bin/bash
# A program in an IPC namespace with three queues and a segment of shared memory.
mkfifo ready
unshare --user --map-root-user --ipc sh -c '
    ipcmk -Q; ipcmk -Q; ipcmk -Q; ipcmk -M 4096
    echo $$ >pid
    echo >ready
    exec sleep 0202' >/dev/null 2>&1 </dev/null &
read -r _ <ready
rm ready
# Until the shell has become the program.
until [ "$(tr '\0' ' ' <"/proc/$(cat pid)/cmdline")" = "sleep 0202 " ]; do sleep 0.02; done
