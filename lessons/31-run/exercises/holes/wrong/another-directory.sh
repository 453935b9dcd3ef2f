#!/bin/bash
# refused: data/another-directory
# The directory itself, instead of the one that lies in it.
setsid boxlab -q run --read-only --tmpfs /tmp --volume "$PWD:/data" host sleep 3102 >/dev/null 2>&1 </dev/null &
