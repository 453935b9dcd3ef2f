#!/bin/bash
# refused: nothing-else/filter
setsid boxlab -q security seccomp -- ./service >/dev/null 2>&1 </dev/null &
