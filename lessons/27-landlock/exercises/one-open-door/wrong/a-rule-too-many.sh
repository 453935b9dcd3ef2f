#!/bin/bash
# refused: cannot-read/reads-it
boxlab -q security landlock --read bin --write desk --write log -- sh bin/keeper 3>>log/journal &
