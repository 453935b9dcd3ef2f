#!/bin/bash
# By hand, as root, on v2:
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo '50000 100000' > /sys/fs/cgroup/boxlab-exercise-mine/cpu.max
#   (echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs; exec sleep 1801) &
# and on v1, in /sys/fs/cgroup/cpu/boxlab-exercise-mine: echo 50000 > cpu.cfs_quota_us
# boxlab does the same:
setsid boxlab -q cgroup cpu --cpus 0.5 --seconds 0.1 -- sleep 1801 >/dev/null 2>&1 </dev/null &
