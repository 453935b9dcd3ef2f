#!/bin/bash
setsid boxlab -q run host sleep 2802 >/dev/null 2>&1 </dev/null &
if [ -r /sys/kernel/security/lsm ]; then
    cat /sys/kernel/security/lsm > modules
else
    boxlab security lsm -- true 2>&1 | sed -n '/modules at work/,/label of/s/^ *[│|] \([a-z]*\) .*/\1/p' | paste -s -d , > modules
fi
until pid=$(pgrep -n -x -f 'sleep 2802'); do :; done
# Not before it has become that program.
tr -d '\0' < "/proc/$pid/attr/current" > label 2>/dev/null || echo none > label
