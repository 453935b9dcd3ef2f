#!/bin/bash
# refused: apart/network
setsid boxlab -q run --hostname web --network host host sleep 3101 >/dev/null 2>&1 </dev/null &
