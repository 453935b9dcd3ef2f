#!/bin/bash
# refused: none/unlimited
setsid sleep 1902 >/dev/null 2>&1 </dev/null &
