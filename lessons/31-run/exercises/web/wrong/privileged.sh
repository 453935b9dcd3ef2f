#!/bin/bash
# refused: guarded/no-filter
setsid boxlab -q run --hostname web --privileged host sleep 3101 >/dev/null 2>&1 </dev/null &
