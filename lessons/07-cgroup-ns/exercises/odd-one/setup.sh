#!/bin/bash
# Three programs; each has a user namespace and one other namespace.
start() {
    unshare --user --map-root-user "$1" sleep "$2" >/dev/null 2>&1 </dev/null &
    until [ "$(tr '\0' ' ' <"/proc/$!/cmdline")" = "sleep $2 " ]; do sleep 0.02; done
    echo "$!" >>numbers
}
start --uts 0702
start --cgroup 0703
start --ipc 0704
