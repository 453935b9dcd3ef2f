#!/bin/bash
# refused: quota/not-running
boxlab -q cgroup cpu --cpus 0.5 --seconds 0.1 -- true
