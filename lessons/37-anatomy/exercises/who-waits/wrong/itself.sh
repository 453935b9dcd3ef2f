#!/bin/bash
# refused: found/itself
pgrep -n -f '^sleep 3701$' > answer
