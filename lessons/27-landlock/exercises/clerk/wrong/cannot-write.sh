#!/bin/bash
# refused: there
# It opens its pipe for writing, too.
boxlab -q security landlock --read bin --read desk -- sh bin/clerk &
