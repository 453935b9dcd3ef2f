#!/bin/bash
# refused: limited/too-high
boxlab -q cgroup mem --memory 64m -- sleep 778 &
