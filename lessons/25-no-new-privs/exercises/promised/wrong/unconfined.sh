#!/bin/bash
# refused: else-as-ever/no-filter
setsid boxlab -q run --security-opt seccomp=unconfined --security-opt no-new-privileges host sleep 2503 >/dev/null 2>&1 </dev/null &
