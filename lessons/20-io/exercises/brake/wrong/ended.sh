#!/bin/bash
# refused: rate/not-running
boxlab -q cgroup io --read-bps 512k --file . --seconds 0.1 -- true
