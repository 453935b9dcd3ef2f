#!/bin/bash
# refused: its-own/hosts-list
pid=$(pgrep -n -f '^sleep 1202')
nsenter --target "$pid" --user --preserve-credentials --mount mount -t proc proc /proc
exit 0
