#!/bin/bash
# refused: none/unlimited
# For an engine, 0 means: no limit.
setsid boxlab -q run --pids-limit 0 host sleep 1902 >/dev/null 2>&1 </dev/null &
