#!/bin/bash
# refused: soft
# The limits end with the subshell.
(ulimit -Sn 256; ulimit -Hn 512)
sleep 2601 >/dev/null 2>&1 &
