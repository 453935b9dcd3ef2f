#!/bin/bash
# refused: discreet/reads-it
boxlab -q security landlock --read . --write desk -- sh bin/clerk &
