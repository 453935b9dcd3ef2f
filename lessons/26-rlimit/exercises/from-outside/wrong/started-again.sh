#!/bin/bash
# refused: same/started-again
kill "$(cat pid)"
prlimit --nofile=100:200 sleep 2602 >/dev/null 2>&1 &
