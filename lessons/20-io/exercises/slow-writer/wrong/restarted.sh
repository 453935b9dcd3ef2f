#!/bin/bash
# refused: same/restarted
kill $(cat pid)
setsid boxlab -q cgroup io --write-bps 1m --file . --seconds 0.1 -- bash writer-2002.sh >/dev/null 2>&1 </dev/null &
