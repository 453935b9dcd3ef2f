#!/bin/bash
# refused: contained/no-container
setsid setpriv --no-new-privs sleep 2503 >/dev/null 2>&1 </dev/null &
