#!/bin/bash
# refused: latest/one-tag
boxlab --root mine push greeting:new "$(cat address)/team/greeting:1.0"
