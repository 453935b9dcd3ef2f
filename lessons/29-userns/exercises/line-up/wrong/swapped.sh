#!/bin/bash
# refused: root/the-capable
pid() { pgrep --full --newest "^sleep $1\$"; }
pid 2914 > capable; pid 2912 > nobody; pid 2913 > host; pid 2911 > root
