#!/bin/bash
# refused: found/too-far
pgrep -n -f '^sh night-shift$' > answer
