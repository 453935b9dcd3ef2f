#!/bin/bash
# refused: none/not-running
# The shell may be in there, but it can't make the sleep.
read -r version parent < <(boxlab cgroup ls | awk '$2 ~ /(^|,)pids(,|$)/ { print $1, $NF; exit }')
group=$parent/boxlab-exercise-$BOXLAB_EXERCISE
mkdir "$group"
timeout 5 sh -c 'echo $$ > "$1/cgroup.procs"; echo 0 > "$1/pids.max"; sleep 1902 &' sh "$group" 2>/dev/null
true
