#!/bin/bash
# By hand, as root, on v2:
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo 0 > /sys/fs/cgroup/boxlab-exercise-mine/cpuset.cpus
#   (echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs; exec sleep 2101) &
# On v1, in /sys/fs/cgroup/cpuset/boxlab-exercise-mine, and before the third line: echo 0 > cpuset.mems
# boxlab does the same:
setsid boxlab -q cgroup cpuset --cpus 0 -- sleep 2101 >/dev/null 2>&1 </dev/null &
