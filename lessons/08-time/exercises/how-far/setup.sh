#!/bin/bash
unshare --user --map-root-user --time --boottime 3628800 --monotonic 3628800 --fork sleep 0802 >/dev/null 2>&1 </dev/null &
until pid=$(pgrep -P $! -xf 'sleep 0802'); do sleep 0.02; done
echo "$pid" >pid
