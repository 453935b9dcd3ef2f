#!/bin/bash
# refused: memory
ulimit -v 65536
setsid sleep 1701 >/dev/null 2>&1 </dev/null &
