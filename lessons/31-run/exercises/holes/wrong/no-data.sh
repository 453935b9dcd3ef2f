#!/bin/bash
# refused: data/nothing-there
setsid boxlab -q run --read-only --tmpfs /tmp host sleep 3102 >/dev/null 2>&1 </dev/null &
