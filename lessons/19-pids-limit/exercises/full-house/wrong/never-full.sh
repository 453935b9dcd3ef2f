#!/bin/bash
# refused: refused/room-left
setsid boxlab -q run --pids-limit 10 host sleep 1901 >/dev/null 2>&1 </dev/null &
