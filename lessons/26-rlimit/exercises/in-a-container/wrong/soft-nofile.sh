#!/bin/bash
# refused: files/can-raise
setsid boxlab -q run --ulimit nofile=64:128 --ulimit core=0 --ulimit fsize=1048576 host sleep 2603 >/dev/null 2>&1 </dev/null &
