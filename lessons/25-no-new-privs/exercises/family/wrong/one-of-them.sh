#!/bin/bash
# refused: second/only-the-first
setsid ./service >/dev/null 2>&1 </dev/null &
sleep 0.3
setpriv --no-new-privs sleep 2501 &
