#!/bin/bash
# refused: awake/not-running
# The second one is to go on.
# Where groups can be made: v1's freezer if there is one, else v2. boxlab knows.
freezer=$(boxlab cgroup ls | awk '$2 == "freezer" { print $NF }')
unified=$(boxlab cgroup ls | awk '$1 == "v2" { print $NF }')
group=${freezer:-$unified}/boxlab-exercise-$BOXLAB_EXERCISE
mkdir "$group"
cat pid-a > "$group/cgroup.procs"
if [ -n "$freezer" ]; then echo FROZEN > "$group/freezer.state"; else echo 1 > "$group/cgroup.freeze"; fi
kill $(cat pid-b)
