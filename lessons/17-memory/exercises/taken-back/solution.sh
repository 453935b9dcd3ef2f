#!/bin/bash
# By hand, as root, on v2 (on v1: in /sys/fs/cgroup/memory, and memory.limit_in_bytes):
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo 32M > /sys/fs/cgroup/boxlab-exercise-mine/memory.max
#   (
#       echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs
#       head -c 100M /dev/zero > big
#       exec sleep 1702
#   ) &
# A container with a limit is such a group, too:
setsid boxlab -q run --memory 32m host sh -c 'head -c 100M /dev/zero > /big; rm /big; exec sleep 1702' \
    >/dev/null 2>&1 </dev/null &
