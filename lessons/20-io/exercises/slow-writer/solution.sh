#!/bin/bash
# Where groups can be made for the controller, and which version it is: boxlab knows.
read -r version parent < <(boxlab cgroup ls | awk '$2 ~ /(^|,)(io|blkio)(,|$)/ { print $1, $NF; exit }')
group=$parent/boxlab-exercise-$BOXLAB_EXERCISE
# The device of this directory's filesystem, and the whole disk that it is on.
partition=$(findmnt --noheadings --output SOURCE --target . | sed 's/\[.*//')
disk=$(lsblk --noheadings --inverse --nodeps --output PKNAME "$partition" | head -n 1)
numbers=$(lsblk --noheadings --nodeps --output MAJ:MIN "${disk:+/dev/}${disk:-$partition}" | tr -d ' ')
if [ "$version" = v1 ]; then
    mkdir "$group"
    echo "$numbers 1048576" > "$group/blkio.throttle.write_bps_device"
else
    # Which controllers the groups below have, the group above says.
    grep -qw io "$parent/cgroup.subtree_control" || echo +io > "$parent/cgroup.subtree_control"
    mkdir "$group"
    echo "$numbers wbps=1048576" > "$group/io.max"
fi
cat pid > "$group/cgroup.procs"
