#!/bin/bash
# refused: own-root/hosts-root
mkdir rootfs
echo mine > rootfs/whose
cd rootfs
setsid sleep 3001 >/dev/null 2>&1 </dev/null &
