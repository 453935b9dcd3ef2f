#!/bin/bash
# refused: ended
echo done > "/proc/$(pgrep -n -x -f 'sleep 3607')/root/tmp/note"
