#!/bin/bash
# refused: memory/not-running
boxlab -q cgroup mem --memory 64m --swap 0 -- true
