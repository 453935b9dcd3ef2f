#!/bin/bash
# refused: limited/not-running
boxlab -q cgroup mem --memory 32m -- true
