#!/bin/bash
# refused: works/by-tag
export BOXLAB_ROOT=$PWD/mine
shop=$(cat address)/shop
boxlab pull "$shop:1"
boxlab tag "$shop:1" shop:works
boxlab tag "$shop:1" shop:broken
