#!/bin/bash
setsid sleep 2602 >/dev/null 2>&1 </dev/null &
pid=$!
# setsid becomes the program.
until [ "$(tr '\0' ' ' < /proc/$pid/cmdline)" = "sleep 2602 " ]; do
    sleep 0.05
done
echo $pid > pid
chmod 444 pid
