#!/bin/bash
# refused: label/not-there
setsid boxlab -q run host sleep 2802 >/dev/null 2>&1 </dev/null &
