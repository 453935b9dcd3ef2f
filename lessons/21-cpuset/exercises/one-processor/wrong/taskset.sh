#!/bin/bash
# refused: bound/a-wish
setsid taskset -c 0 sleep 2101 >/dev/null 2>&1 </dev/null &
