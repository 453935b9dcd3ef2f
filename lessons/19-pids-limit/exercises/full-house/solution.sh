#!/bin/bash
# By hand, as root (v1: in /sys/fs/cgroup/pids):
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo 10 > /sys/fs/cgroup/boxlab-exercise-mine/pids.max
#   (
#       echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs
#       for i in $(seq 12); do timeout 1 sleep 1 & done
#       exec sleep 1901
#   ) &
# boxlab does the same: its own load runs into the limit first.
setsid boxlab -q cgroup pids --limit 10 -- sleep 1901 >/dev/null 2>&1 </dev/null &
