#!/bin/bash
# refused: reached/too-little
# The file is written by a process that is not in the group.
head -c 64M /dev/zero > big
rm big
setsid boxlab -q run --memory 32m host sleep 1702 >/dev/null 2>&1 </dev/null &
