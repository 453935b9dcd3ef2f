#!/bin/bash
# refused: goes-on/not-running
kill -9 "$(pgrep -n -x -f 'sleep 3607')"
