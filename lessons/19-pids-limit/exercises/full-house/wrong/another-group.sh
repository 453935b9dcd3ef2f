#!/bin/bash
# refused: limited
# The limit is met, but in a group that the sleep is not in.
boxlab -q cgroup pids --limit 10 -- true
setsid sleep 1901 >/dev/null 2>&1 </dev/null &
