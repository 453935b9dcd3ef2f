#!/bin/bash
# refused: capable/the-bounding-set
# CapBnd is full for everybody.
pid() { pgrep --full --newest "^sleep $1\$"; }
pid 2912 > capable; pid 2912 > nobody; pid 2913 > host; pid 2914 > root
