#!/bin/bash
setsid setpriv --no-new-privs ./service >/dev/null 2>&1 </dev/null &
