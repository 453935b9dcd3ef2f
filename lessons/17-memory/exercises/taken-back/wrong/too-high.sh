#!/bin/bash
# refused: limited
setsid boxlab -q run --memory 512m host sh -c 'head -c 64M /dev/zero > /big; rm /big; exec sleep 1702' >/dev/null 2>&1 </dev/null &
