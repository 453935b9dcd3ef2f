#!/bin/bash
# refused: root/number-inside
pid() { pgrep --full --newest "^sleep $1\$"; }
pid 2911 > capable; pid 2912 > nobody; pid 2913 > host; echo 0 > root
