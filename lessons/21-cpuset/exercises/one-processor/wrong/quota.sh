#!/bin/bash
# refused: bound/how-much
setsid boxlab -q cgroup cpu --cpus 0.5 --seconds 0.1 -- sleep 2101 >/dev/null 2>&1 </dev/null &
