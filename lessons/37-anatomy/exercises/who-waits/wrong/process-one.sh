#!/bin/bash
# refused: found/inside
echo 1 > answer
