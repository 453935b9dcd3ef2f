#!/bin/bash
# refused: network/hosts
pid=$(pgrep -n -f '^sleep 902')
nsenter --target "$pid" --user --preserve-credentials --uts sleep 903 &
