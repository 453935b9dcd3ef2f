#!/bin/bash
# refused: broken/the-old-one
export BOXLAB_ROOT=$PWD/mine
shop=$(cat address)/shop
boxlab pull "$shop@$(cat known)"
boxlab tag "$shop@$(cat known)" shop:works
boxlab tag "$shop@$(cat known)" shop:broken
