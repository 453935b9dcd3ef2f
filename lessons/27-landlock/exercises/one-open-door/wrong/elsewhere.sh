#!/bin/bash
# refused: notes/elsewhere
boxlab -q security landlock --read bin --write desk -- sh bin/keeper 3>>desk/journal &
