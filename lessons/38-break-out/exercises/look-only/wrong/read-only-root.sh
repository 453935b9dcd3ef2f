#!/bin/bash
# refused: mounted/writable
# Another mount, another flag.
setsid boxlab -q run --read-only -v "$PWD/config:/config" host sleep 3803 >/dev/null 2>&1 </dev/null &
