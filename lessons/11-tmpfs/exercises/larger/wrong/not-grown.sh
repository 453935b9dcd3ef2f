#!/bin/bash
# refused: grown
pid=$(pgrep -n -f '^sleep 1102')
nsenter --target "$pid" --user --mount --preserve-credentials mount -o remount,size=2m none "$PWD/memory"
