#!/bin/bash
# refused: bound
# The shell was in the group, and it is gone.
boxlab -q cgroup cpuset --cpus 0 -- true
setsid sleep 2101 >/dev/null 2>&1 </dev/null &
