#!/bin/bash
# refused: contained/no-container
setsid sleep 2802 >/dev/null 2>&1 </dev/null &
