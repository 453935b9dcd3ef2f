#!/bin/bash
# refused: found/this-machine
boxlab --root mine pull "$(cat address)/greeter:1"
boxlab --root mine inspect --format '{{index .Config.Cmd 0}}' "$(cat address)/greeter:1" > answer
