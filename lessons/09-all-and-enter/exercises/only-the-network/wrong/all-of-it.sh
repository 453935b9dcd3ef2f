#!/bin/bash
# refused: files/all-of-it
pid=$(pgrep -n -f '^sleep 902')
nsenter --target "$pid" --user --preserve-credentials --net --mount --uts sleep 903 &
