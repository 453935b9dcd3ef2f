#!/bin/bash
# refused: broken/missing
export BOXLAB_ROOT=$PWD/mine
boxlab pull "$(cat address)/shop@$(cat known)"
boxlab tag "$(cat address)/shop@$(cat known)" shop:works
