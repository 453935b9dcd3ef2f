#!/bin/bash
# refused: unharmed/anonymous
# tail remembers all that it reads: that is no page of a file.
setsid boxlab -q run --memory 32m host sh -c 'tail /dev/zero; head -c 100M /dev/zero > /big; rm /big; exec sleep 1702' >/dev/null 2>&1 </dev/null &
