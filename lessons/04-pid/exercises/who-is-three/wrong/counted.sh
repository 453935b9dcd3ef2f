#!/bin/bash
# refused: inside/counted
pgrep -n -f '^sleep 4021' > three
echo 4 > inside
