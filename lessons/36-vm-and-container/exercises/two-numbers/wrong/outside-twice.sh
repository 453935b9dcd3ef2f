#!/bin/bash
# refused: inside/outer-number
box=$(pgrep -n -x -f 'sleep 3601')
first=$(pgrep -n -x -f 'sleep 3603')
inner=$(grep NSpid /proc/$box/status | grep -o '[0-9]*$')
echo $box > outside
echo $box > inside
echo $first > first
