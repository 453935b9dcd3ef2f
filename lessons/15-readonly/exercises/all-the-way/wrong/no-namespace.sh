#!/bin/bash
# refused: shown/same-namespace
chmod -R a-w tree
sleep 1502 >/dev/null 2>&1 </dev/null &
