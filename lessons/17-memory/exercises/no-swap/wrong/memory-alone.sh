#!/bin/bash
# refused: swap/as-much-again
# Without --swap, as much swap as memory is allowed.
setsid boxlab -q cgroup mem --memory 64m -- sleep 1701 >/dev/null 2>&1 </dev/null &
