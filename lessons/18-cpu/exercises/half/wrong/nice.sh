#!/bin/bash
# refused: quota/no-quota
setsid nice -n 10 sleep 1801 >/dev/null 2>&1 </dev/null &
