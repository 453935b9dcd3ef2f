#!/bin/bash
# refused: kept
boxlab -q security landlock --read bin --write desk -- sh bin/keeper 3>log/journal &
