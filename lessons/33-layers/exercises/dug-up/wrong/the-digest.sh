#!/bin/bash
# refused: found
boxlab --root mine inspect --format '{{.Id}}' shop > answer
