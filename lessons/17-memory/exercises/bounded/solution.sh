#!/bin/bash
# By hand, as root, on v2:
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo 32M > /sys/fs/cgroup/boxlab-exercise-mine/memory.max
#   (echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs; exec sleep 778) &
#   (echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs; exec tail /dev/zero)
# boxlab does the same, where this machine has its cgroups; its own load runs into the limit.
boxlab -q cgroup mem --memory 32m -- sleep 778 &
