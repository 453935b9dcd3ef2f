#!/bin/bash
# refused: limited/too-high
setsid boxlab -q cgroup pids --limit 50 -- sleep 1901 >/dev/null 2>&1 </dev/null &
