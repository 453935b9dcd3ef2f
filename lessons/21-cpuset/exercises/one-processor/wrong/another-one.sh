#!/bin/bash
# refused: bound
setsid boxlab -q cgroup cpuset --cpus 1 -- sleep 2101 >/dev/null 2>&1 </dev/null &
