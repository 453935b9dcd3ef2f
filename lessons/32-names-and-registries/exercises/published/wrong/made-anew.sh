#!/bin/bash
# refused: the-same/made-anew
# The same files, packed once more.
sleep 1
boxlab --root mine push greeting:new "$(cat address)/team/greeting:1.0"
tar -c -C files . | boxlab -q --root mine image import - again
boxlab --root mine push again "$(cat address)/team/greeting:latest"
