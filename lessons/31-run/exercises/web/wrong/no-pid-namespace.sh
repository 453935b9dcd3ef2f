#!/bin/bash
# refused: first/no-pid-namespace
setsid boxlab -q run --hostname web --without pid host sleep 3101 >/dev/null 2>&1 </dev/null &
