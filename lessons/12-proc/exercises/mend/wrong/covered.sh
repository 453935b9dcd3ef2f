#!/bin/bash
# refused: its-own/covered
pid=$(pgrep -n -f '^sleep 1202')
nsenter --target "$pid" --user --preserve-credentials --mount --pid mount -t tmpfs none /proc
