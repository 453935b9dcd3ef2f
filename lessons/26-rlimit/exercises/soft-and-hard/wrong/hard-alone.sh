#!/bin/bash
# refused: soft/swapped
(ulimit -n 512; exec sleep 2601) >/dev/null 2>&1 &
