#!/bin/bash
# refused: rate/no-rate
setsid ionice -c 3 sleep 2001 >/dev/null 2>&1 </dev/null &
