#!/bin/bash
# refused: first/no-promise
# The promise ends with the process that has made it.
setpriv --no-new-privs true
setsid ./service >/dev/null 2>&1 </dev/null &
