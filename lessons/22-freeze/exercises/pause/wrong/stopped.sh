#!/bin/bash
# refused: frozen/stopped
setsid sleep 2201 >/dev/null 2>&1 </dev/null &
sleep 0.1
kill -STOP $!
