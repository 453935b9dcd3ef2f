#!/bin/bash
# refused: frozen/asleep
setsid sleep 2201 >/dev/null 2>&1 </dev/null &
