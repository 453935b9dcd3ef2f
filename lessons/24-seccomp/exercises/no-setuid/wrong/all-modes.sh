#!/bin/bash
# refused: others/all-modes
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    { "names": ["chmod", "fchmod"], "action": "SCMP_ACT_ERRNO", "args": [] },
    { "names": ["fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO", "args": [] }
  ]
}
END
