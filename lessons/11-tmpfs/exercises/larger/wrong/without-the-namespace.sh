#!/bin/bash
# refused: larger/same-namespace
sleep 1102 >/dev/null 2>&1 </dev/null &
