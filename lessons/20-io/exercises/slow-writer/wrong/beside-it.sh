#!/bin/bash
# refused: braked/no-rate
# A group with the right limit, and the writer is not in it.
boxlab -q cgroup io --write-bps 1m --file . --seconds 0.1 -- true
