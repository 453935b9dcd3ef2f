#!/bin/bash
# refused: outside/inner-number
box=$(pgrep -n -x -f 'sleep 3601')
first=$(pgrep -n -x -f 'sleep 3603')
inner=$(grep NSpid /proc/$box/status | grep -o '[0-9]*$')
echo $inner > outside
echo $box > inside
echo $first > first
