#!/bin/bash
# Uses all of a processor, for ten minutes at most.
cat > busy-1802.sh <<'END'
while [ $SECONDS -lt 600 ]; do :; done
END
setsid bash busy-1802.sh >/dev/null 2>&1 </dev/null &
echo $! > pid
