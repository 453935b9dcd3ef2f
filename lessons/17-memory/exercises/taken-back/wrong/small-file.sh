#!/bin/bash
# refused: reached/too-little
setsid boxlab -q run --memory 32m host sh -c 'head -c 4M /dev/zero > /small; exec sleep 1702' >/dev/null 2>&1 </dev/null &
