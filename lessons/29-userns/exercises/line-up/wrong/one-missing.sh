#!/bin/bash
# refused: host/nothing
pid() { pgrep --full --newest "^sleep $1\$"; }
pid 2911 > capable; pid 2912 > nobody; pid 2914 > root
