#!/bin/bash
# refused: neighbour/not-running
kill "$(pgrep -n -x -f 'sleep 3606')"
echo done > "/proc/$(pgrep -n -x -f 'sleep 3607')/root/tmp/note"
