#!/bin/bash
# refused: none/room
setsid boxlab -q cgroup pids --limit 2 -- sleep 1902 >/dev/null 2>&1 </dev/null &
