#!/bin/bash
# By hand, as root, on v2, for the disk 8:0:
#   mkdir /sys/fs/cgroup/boxlab-exercise-mine
#   echo '8:0 rbps=524288' > /sys/fs/cgroup/boxlab-exercise-mine/io.max
#   (echo $BASHPID > /sys/fs/cgroup/boxlab-exercise-mine/cgroup.procs; exec sleep 2001) &
# and on v1, in /sys/fs/cgroup/blkio/boxlab-exercise-mine:
#   echo '8:0 524288' > blkio.throttle.read_bps_device
# boxlab does the same, for the disk beneath the directory that --file names:
setsid boxlab -q cgroup io --read-bps 512k --write-bps 512k --file . --seconds 0.1 -- sleep 2001 >/dev/null 2>&1 </dev/null &
