#!/bin/bash
# prlimit --nofile=256:512 sleep 2601 &  and  boxlab -q security rlimit nofile=256:512 -- sleep 2601 &  do the same.
(ulimit -Sn 256; ulimit -Hn 512; exec sleep 2601) >/dev/null 2>&1 &
