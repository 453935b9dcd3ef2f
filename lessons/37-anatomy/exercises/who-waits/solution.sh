#!/bin/bash
ps -o ppid= -p "$(pgrep -n -f '^sleep 3701$')" | tr -d ' ' > answer
