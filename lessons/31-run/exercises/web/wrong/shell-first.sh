#!/bin/bash
# refused: first/behind-another
setsid boxlab -q run --hostname web host sh -c 'sleep 3101; true' >/dev/null 2>&1 </dev/null &
