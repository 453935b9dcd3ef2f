#!/bin/bash
# refused: note
kill "$(pgrep -n -x -f 'sleep 3605')"
mkdir -p tmp; echo done > tmp/note
