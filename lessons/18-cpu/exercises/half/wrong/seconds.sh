#!/bin/bash
# refused: quota/seconds
ulimit -t 30
setsid sleep 1801 >/dev/null 2>&1 </dev/null &
