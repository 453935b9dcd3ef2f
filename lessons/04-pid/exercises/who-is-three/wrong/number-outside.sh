#!/bin/bash
# refused: inside/number-outside
pgrep -n -f '^sleep 4021' > three
pgrep -n -f '^sleep 4023' > inside
