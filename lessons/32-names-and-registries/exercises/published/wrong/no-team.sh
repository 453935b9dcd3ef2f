#!/bin/bash
# refused: version/no-repository
for tag in 1.0 latest; do
    boxlab --root mine push greeting:new "$(cat address)/greeting:$tag"
done
