#!/bin/bash
# Four programs, in an order that says nothing.
unshare --user --map-user=1000 --keep-caps sleep 2911 >/dev/null 2>&1 </dev/null &
unshare --user sleep 2912 >/dev/null 2>&1 </dev/null &
sleep 2913 >/dev/null 2>&1 </dev/null &
unshare --user --map-root-user sleep 2914 >/dev/null 2>&1 </dev/null &
sleep 0.3
