#!/bin/bash
# refused: memory/same-namespace
sleep 1101 >/dev/null 2>&1 </dev/null &
