#!/bin/bash
# refused: rate/too-fast
setsid boxlab -q cgroup io --read-bps 5m --write-bps 5m --file . --seconds 0.1 -- sleep 2001 >/dev/null 2>&1 </dev/null &
