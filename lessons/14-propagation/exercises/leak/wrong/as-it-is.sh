#!/bin/bash
# refused: sealed/still-shared
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
