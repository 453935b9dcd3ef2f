#!/bin/bash
pgrep -n -x -f 'sleep 3601' > outside
grep NSpid "/proc/$(cat outside)/status" | grep -o '[0-9]*$' > inside
pgrep -n -x -f 'sleep 3603' > first
