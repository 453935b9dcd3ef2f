#!/bin/bash
# refused: same/restarted
kill $(cat pid)
setsid taskset -c 0 sleep 2102 >/dev/null 2>&1 </dev/null &
