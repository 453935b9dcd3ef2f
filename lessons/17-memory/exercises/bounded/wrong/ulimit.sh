#!/bin/bash
# refused: limited/an-rlimit
ulimit -v 32768
sleep 778 &
