#!/bin/bash
# refused: inside/first-process
box=$(pgrep -n -x -f 'sleep 3601')
first=$(pgrep -n -x -f 'sleep 3603')
inner=$(grep NSpid /proc/$box/status | grep -o '[0-9]*$')
echo $box > outside
echo 1 > inside
echo $first > first
