#!/bin/bash
kill "$(pgrep -n -x -f 'sleep 3605')"
echo done > "/proc/$(pgrep -n -x -f 'sleep 3607')/root/tmp/note"
