#!/bin/bash
# refused: quota/too-little
setsid boxlab -q cgroup cpu --cpus 0.05 --seconds 0.1 -- sleep 1801 >/dev/null 2>&1 </dev/null &
