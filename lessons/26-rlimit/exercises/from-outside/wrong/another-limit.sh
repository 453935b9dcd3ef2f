#!/bin/bash
# refused: soft
prlimit --pid "$(cat pid)" --nproc=100:
