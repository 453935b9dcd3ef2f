#!/bin/bash
# refused: mended/removed
cat .damaged > answer
boxlab --root mine rmi "$(cat .damaged)"
