#!/bin/bash
# Where groups can be made for the controller cpu, and which version it is: boxlab knows.
read -r version parent < <(boxlab cgroup ls | awk '$2 ~ /(^|,)cpu(,|$)/ { print $1, $NF; exit }')
group=$parent/boxlab-exercise-$BOXLAB_EXERCISE
if [ "$version" = v1 ]; then
    mkdir "$group"
    echo 20000 > "$group/cpu.cfs_quota_us"
else
    # Which controllers the groups below have, the group above says.
    grep -qw cpu "$parent/cgroup.subtree_control" || echo +cpu > "$parent/cgroup.subtree_control"
    mkdir "$group"
    echo '20000 100000' > "$group/cpu.max"
fi
cat pid > "$group/cgroup.procs"
