#!/bin/bash
# refused: files/its-name
pid=$(pgrep -n -f '^sleep 902')
nsenter --target "$pid" --user --preserve-credentials --net --uts sleep 903 &
