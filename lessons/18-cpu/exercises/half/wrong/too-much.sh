#!/bin/bash
# refused: quota/too-much
setsid boxlab -q cgroup cpu --cpus 0.6 --seconds 0.1 -- sleep 1801 >/dev/null 2>&1 </dev/null &
