#!/bin/bash
# refused: its-own/hosts-list
pid=$(pgrep -n -f '^sleep 1202')
mkdir list
nsenter --target "$pid" --user --preserve-credentials --mount --pid mount -t proc proc "$PWD/list"
