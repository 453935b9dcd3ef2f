#!/bin/bash
# refused: contained/no-container
setsid prlimit --nofile=64 --core=0 --fsize=1048576 sleep 2603 >/dev/null 2>&1 </dev/null &
