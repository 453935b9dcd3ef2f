#!/bin/bash
# refused: works/missing
export BOXLAB_ROOT=$PWD/mine
boxlab pull "$(cat address)/shop@$(cat known)"
boxlab pull "$(cat address)/shop:1"
