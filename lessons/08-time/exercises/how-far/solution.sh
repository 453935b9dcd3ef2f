#!/bin/bash
seconds=$(awk '/^boottime/ {print $2}' "/proc/$(cat pid)/timens_offsets")
echo $((seconds / 86400)) >days
