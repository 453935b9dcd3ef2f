#!/bin/bash
# refused: runs
boxlab --root mine cleanup --yes
setsid sleep 3703 >/dev/null 2>&1 </dev/null &
