#!/bin/bash
# refused: rate/no-rate
# Bounds how much is cached, and not how fast the disk is used.
setsid boxlab -q run --memory 64m host sleep 2001 >/dev/null 2>&1 </dev/null &
