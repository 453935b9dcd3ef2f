#!/bin/bash
# refused: days/own-clock
awk '/^boottime/ {print $2}' /proc/self/timens_offsets >days
