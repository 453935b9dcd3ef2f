#!/bin/bash
# refused: shown/same-namespace
echo '10.7.7.7 late' >> hosts
sleep 1002 >/dev/null 2>&1 </dev/null &
