#!/bin/bash
# refused: data-writable/read-only
setsid boxlab -q run --read-only --tmpfs /tmp --volume "$PWD/data:/data:ro" host sleep 3102 >/dev/null 2>&1 </dev/null &
