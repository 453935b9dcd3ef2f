#!/bin/bash
setsid sleep 2202 >/dev/null 2>&1 </dev/null &
echo $! > pid-a
setsid sleep 2203 >/dev/null 2>&1 </dev/null &
echo $! > pid-b
