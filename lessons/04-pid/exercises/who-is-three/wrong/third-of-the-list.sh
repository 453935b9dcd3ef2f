#!/bin/bash
# refused: three/another
pgrep -n -f '^sleep 4023' > three
echo 6 > inside
