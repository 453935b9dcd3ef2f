#!/bin/bash
# A container, started by a script that goes on: three processes, one below the other.
boxlab -q --root mine image host >/dev/null
cat > night-shift <<'END'
boxlab --root mine -q run --hostname shop host sleep 3701
echo "the shop has closed: $?" >> book
END
setsid sh night-shift >/dev/null 2>&1 </dev/null &
until pgrep -f '^sleep 3701$' >/dev/null; do sleep 0.1; done
