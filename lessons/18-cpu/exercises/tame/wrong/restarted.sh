#!/bin/bash
# refused: same/restarted
kill $(cat pid)
setsid boxlab -q cgroup cpu --cpus 0.2 --seconds 0.1 -- bash busy-1802.sh >/dev/null 2>&1 </dev/null &
