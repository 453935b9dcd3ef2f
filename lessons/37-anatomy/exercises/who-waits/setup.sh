#!/bin/bash
# A container, started by a script that goes on: three processes, one below the other.
boxlab -q --root mine image host >/dev/null
cat > night-shift <<'END'
boxlab --root mine -q run --hostname shop host sleep 3701
echo "the shop has closed: $?" >> book
END
setsid sh night-shift >/dev/null 2>&1 </dev/null &
# What the check asks.
cat > .compare <<'END'
#!/bin/sh
parent=$(ps -o ppid= -p "$(pgrep -n -f '^sleep 3701$')" | tr -d ' ')
[ "$(tr -d ' \n' <answer)" = "$parent" ] && echo right || echo not right
END
chmod +x .compare
until pgrep -f '^sleep 3701$' >/dev/null; do sleep 0.1; done
