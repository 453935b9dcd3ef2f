#!/bin/bash
setsid boxlab -q run --security-opt no-new-privileges host sleep 2503 >/dev/null 2>&1 </dev/null &
