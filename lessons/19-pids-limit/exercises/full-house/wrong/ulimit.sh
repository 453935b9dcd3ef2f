#!/bin/bash
# refused: limited/of-the-user
(
    ulimit -u 10
    exec setsid sleep 1901
) >/dev/null 2>&1 </dev/null &
