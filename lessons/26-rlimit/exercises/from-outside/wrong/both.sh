#!/bin/bash
# refused: hard/both
prlimit --pid "$(cat pid)" --nofile=100
