#!/bin/bash
# refused: discreet/reads-it
boxlab -q security landlock --read bin --read private --write desk -- sh bin/clerk &
