#!/bin/bash
prlimit --pid "$(cat pid)" --nofile=100:
