#!/bin/bash
setsid sleep 2102 >/dev/null 2>&1 </dev/null &
echo $! > pid
