#!/bin/bash
# refused: zero/one-namespace
unshare --map-root-user sh -c 'sleep 2901 & exec sleep 2902' >/dev/null 2>&1 </dev/null &
