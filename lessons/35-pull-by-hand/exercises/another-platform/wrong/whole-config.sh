#!/bin/bash
# refused: found/too-much
boxlab --root mine pull --platform linux/s390x "$(cat address)/greeter:1"
boxlab --root mine inspect --format '{{json .Config}}' "$(cat address)/greeter:1" > answer
