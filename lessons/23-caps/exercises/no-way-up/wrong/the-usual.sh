#!/bin/bash
# refused: holds/too-many
setsid boxlab -q security caps -- sleep 2301 >/dev/null 2>&1 </dev/null &
