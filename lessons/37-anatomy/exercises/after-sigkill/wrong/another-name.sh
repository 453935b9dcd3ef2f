#!/bin/bash
# refused: name
setsid boxlab -q --root mine run --name web2 --hostname web host sleep 3703 >/dev/null 2>&1 </dev/null &
