#!/bin/bash
# refused: memory/too-high
setsid boxlab -q cgroup mem --memory 128m --swap 0 -- sleep 1701 >/dev/null 2>&1 </dev/null &
