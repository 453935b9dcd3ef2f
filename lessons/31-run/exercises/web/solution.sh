#!/bin/bash
setsid boxlab -q run --hostname web host sleep 3101 >/dev/null 2>&1 </dev/null &
