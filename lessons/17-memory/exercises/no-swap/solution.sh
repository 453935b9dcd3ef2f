#!/bin/bash
# By hand, as root, on v2:
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   cd /sys/fs/cgroup/boxlab-exercise-mine
#   echo 64M > memory.max
#   echo 0 > memory.swap.max
#   (echo $BASHPID > cgroup.procs; exec sleep 1701) &
# and on v1, in /sys/fs/cgroup/memory/boxlab-exercise-mine:
#   echo 64M > memory.limit_in_bytes
#   echo 64M > memory.memsw.limit_in_bytes
# boxlab does the same:
setsid boxlab -q cgroup mem --memory 64m --swap 0 -- sleep 1701 >/dev/null 2>&1 </dev/null &
