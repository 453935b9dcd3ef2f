#!/bin/bash
# refused: first/one
box=$(pgrep -n -x -f 'sleep 3601')
first=$(pgrep -n -x -f 'sleep 3603')
inner=$(grep NSpid /proc/$box/status | grep -o '[0-9]*$')
echo $box > outside
echo $inner > inside
echo 1 > first
