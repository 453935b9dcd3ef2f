#!/bin/bash
# Where groups can be made for the controller pids, and which version it is: boxlab knows.
read -r version parent < <(boxlab cgroup ls | awk '$2 ~ /(^|,)pids(,|$)/ { print $1, $NF; exit }')
group=$parent/boxlab-exercise-$BOXLAB_EXERCISE
if [ "$version" = v2 ]; then
    # Which controllers the groups below have, the group above says.
    grep -qw pids "$parent/cgroup.subtree_control" || echo +pids > "$parent/cgroup.subtree_control"
fi
mkdir "$group"
(
    echo $BASHPID > "$group/cgroup.procs"
    echo 0 > "$group/pids.max"
    exec sleep 1902
) >/dev/null 2>&1 </dev/null &
