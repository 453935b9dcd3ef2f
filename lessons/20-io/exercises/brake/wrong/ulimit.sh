#!/bin/bash
# refused: rate/file-size
(
    ulimit -f 512
    exec setsid sleep 2001
) >/dev/null 2>&1 </dev/null &
