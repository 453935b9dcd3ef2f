#!/bin/bash
# refused: notes/no-descriptor
boxlab -q security landlock --read bin --write desk --write log -- sh bin/keeper &
