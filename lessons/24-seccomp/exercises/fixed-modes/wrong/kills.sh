#!/bin/bash
# refused: all-calls/kills
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    { "names": ["chmod", "fchmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_KILL_PROCESS" }
  ]
}
END
