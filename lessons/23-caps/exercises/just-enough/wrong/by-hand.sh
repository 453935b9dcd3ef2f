#!/bin/bash
# refused: served/by-hand
setsid boxlab -q security caps --keep DAC_OVERRIDE,SYS_CHROOT -- sleep 2302 >/dev/null 2>&1 </dev/null &
