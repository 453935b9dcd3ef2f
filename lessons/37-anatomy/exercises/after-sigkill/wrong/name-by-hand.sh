#!/bin/bash
# refused: cleared/by-hand
rm mine/state/names/web
setsid boxlab -q --root mine run --name web --hostname web host sleep 3703 >/dev/null 2>&1 </dev/null &
