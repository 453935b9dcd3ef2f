#!/bin/bash
# refused: usable/refuses-all
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ERRNO",
  "syscalls": [
    { "names": ["chmod", "fchmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO" }
  ]
}
END
