#!/bin/bash
# refused: version/only-tagged
for tag in 1.0 latest; do
    boxlab --root mine tag greeting:new "$(cat address)/team/greeting:$tag"
done
