#!/bin/bash
# refused: named
# --name is how the engine calls it, and not what is seen in there.
setsid boxlab -q run --name web host sleep 3101 >/dev/null 2>&1 </dev/null &
