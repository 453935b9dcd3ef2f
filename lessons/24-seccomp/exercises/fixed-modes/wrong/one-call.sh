#!/bin/bash
# refused: all-calls/not-all
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    { "names": ["fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO" }
  ]
}
END
