#!/bin/bash
for pid in $(pgrep -f '^sleep 402[1-4]$'); do
    read -r _ outside inside < <(grep NSpid "/proc/$pid/status")
    test "$inside" = 3 && echo "$outside" > three
done
grep NSpid "/proc/$(pgrep -n -f '^sleep 4023')/status" | awk '{ print $3 }' > inside
