#!/bin/bash
# refused: for-good/may-mount
setsid boxlab -q run --privileged -v "$PWD/config:/config:ro" host sleep 3803 >/dev/null 2>&1 </dev/null &
