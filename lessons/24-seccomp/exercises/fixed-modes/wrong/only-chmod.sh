#!/bin/bash
# refused: chmod/another-way
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    { "names": ["chmod"], "action": "SCMP_ACT_ERRNO" }
  ]
}
END
