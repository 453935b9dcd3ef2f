#!/bin/bash
export BOXLAB_ROOT=$PWD/mine
for tag in 1.0 latest; do
    boxlab tag greeting:new "$(cat address)/team/greeting:$tag"
    boxlab push "$(cat address)/team/greeting:$tag"
done
