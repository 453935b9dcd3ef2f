#!/bin/bash
# refused: nobody/the-host
pid() { pgrep --full --newest "^sleep $1\$"; }
pid 2911 > capable; pid 2913 > nobody; pid 2912 > host; pid 2914 > root
