#!/bin/bash
# refused: label/another-label
setsid boxlab -q run host sleep 2802 >/dev/null 2>&1 </dev/null &
echo 'docker-default (enforce)' > label
