#!/bin/bash
# refused: frozen/asleep
# A frozen group, and nobody in it.
setsid sleep 2201 >/dev/null 2>&1 </dev/null &
# Where groups can be made: v1's freezer if there is one, else v2. boxlab knows.
freezer=$(boxlab cgroup ls | awk '$2 == "freezer" { print $NF }')
unified=$(boxlab cgroup ls | awk '$1 == "v2" { print $NF }')
group=${freezer:-$unified}/boxlab-exercise-$BOXLAB_EXERCISE
mkdir "$group"
if [ -n "$freezer" ]; then echo FROZEN > "$group/freezer.state"; else echo 1 > "$group/cgroup.freeze"; fi
