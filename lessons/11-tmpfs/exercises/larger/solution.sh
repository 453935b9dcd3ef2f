#!/bin/bash
pid=$(pgrep -n -f '^sleep 1102')
nsenter --target "$pid" --user --mount --preserve-credentials mount -o remount,size=2m none "$PWD/memory"
truncate -s 1572864 "/proc/$pid/cwd/memory/precious"
