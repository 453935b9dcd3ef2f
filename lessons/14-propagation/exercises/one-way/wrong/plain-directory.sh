#!/bin/bash
# refused: shared/not-mounted
mkdir media/stick media/private
sleep 1401 >/dev/null 2>&1 </dev/null &
sleep 1402 >/dev/null 2>&1 </dev/null &
