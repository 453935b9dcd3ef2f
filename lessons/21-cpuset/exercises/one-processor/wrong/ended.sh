#!/bin/bash
# refused: bound/not-running
boxlab -q cgroup cpuset --cpus 0 -- true
