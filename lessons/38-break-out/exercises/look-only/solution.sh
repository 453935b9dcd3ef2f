#!/bin/bash
setsid boxlab -q run -v "$PWD/config:/config:ro" host sleep 3803 >/dev/null 2>&1 </dev/null &
