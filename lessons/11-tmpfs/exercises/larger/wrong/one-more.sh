#!/bin/bash
# refused: kept/covered
pid=$(pgrep -n -f '^sleep 1102')
nsenter --target "$pid" --user --mount --preserve-credentials mount -t tmpfs -o size=2m memory "$PWD/memory"
