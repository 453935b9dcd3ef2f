#!/bin/bash
# refused: places/some
pid=$(pgrep -n -f '^sleep 904')
nsenter --target "$pid" --user --preserve-credentials --mount --pid sleep 905 &
