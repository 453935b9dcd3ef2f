#!/bin/bash
# refused: hard/soft-alone
(ulimit -Sn 256; exec sleep 2601) >/dev/null 2>&1 &
