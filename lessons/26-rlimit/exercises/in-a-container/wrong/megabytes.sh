#!/bin/bash
# refused: size/units
setsid boxlab -q run --ulimit nofile=64 --ulimit core=0 --ulimit fsize=1024 host sleep 2603 >/dev/null 2>&1 </dev/null &
