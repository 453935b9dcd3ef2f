#!/bin/bash
# refused: same/same-namespace
sleep 1001 >/dev/null 2>&1 </dev/null &
