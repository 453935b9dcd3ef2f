#!/bin/bash
# refused: all-calls/newest
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    { "names": ["chmod", "fchmod", "fchmodat"], "action": "SCMP_ACT_ERRNO" }
  ]
}
END
