#!/bin/bash
# refused: swap/unlimited
setsid boxlab -q cgroup mem --memory 64m --swap -1 -- sleep 1701 >/dev/null 2>&1 </dev/null &
