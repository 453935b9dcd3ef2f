#!/bin/bash
export BOXLAB_ROOT=$PWD/mine
shop=$(cat address)/shop
boxlab pull "$shop@$(cat known)"
boxlab tag "$shop@$(cat known)" shop:works
boxlab pull "$shop:1"
boxlab tag "$shop:1" shop:broken
