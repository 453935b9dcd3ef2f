#!/bin/bash
# refused: there
boxlab -q security landlock --write desk -- sh bin/clerk &
