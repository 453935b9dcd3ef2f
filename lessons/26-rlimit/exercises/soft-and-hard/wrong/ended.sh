#!/bin/bash
# refused: soft/not-running
prlimit --nofile=256:512 true
