#!/bin/bash
# refused: runs/hosts-root
cd broken
setsid sleep 3002 >/dev/null 2>&1 </dev/null &
