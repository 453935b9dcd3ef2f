#!/bin/bash
# A container whose boxlab was killed. It has no cgroups: nothing of it lies outside of the store mine.
export BOXLAB_ROOT=$PWD/mine
boxlab -q image host >/dev/null
setsid boxlab -q run --without cgroup --name web host sleep 3703 >/dev/null 2>&1 </dev/null &
boxlab=$!
until pgrep -f '^sleep 3703$' >/dev/null; do sleep 0.1; done
kill -KILL $boxlab
wait $boxlab
while pgrep -f '^sleep 3703$' >/dev/null && [ "$(ps -o stat= -p "$(pgrep -n -f '^sleep 3703$')" | cut -c 1)" != Z ]; do sleep 0.1; done
