#!/bin/bash
# refused: hard/both
(ulimit -n 256; exec sleep 2601) >/dev/null 2>&1 &
