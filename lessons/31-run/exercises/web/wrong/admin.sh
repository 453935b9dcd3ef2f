#!/bin/bash
# refused: guarded/admin
setsid boxlab -q run --hostname web --cap-add SYS_ADMIN host sleep 3101 >/dev/null 2>&1 </dev/null &
