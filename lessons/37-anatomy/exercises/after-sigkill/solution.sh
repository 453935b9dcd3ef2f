#!/bin/bash
export BOXLAB_ROOT=$PWD/mine
boxlab cleanup --yes
setsid boxlab -q run --name web --hostname web host sleep 3703 >/dev/null 2>&1 </dev/null &
