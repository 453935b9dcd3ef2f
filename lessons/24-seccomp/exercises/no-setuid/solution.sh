#!/bin/bash
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    {
      "names": ["chmod", "fchmod"],
      "action": "SCMP_ACT_ERRNO",
      "args": [{ "index": 1, "value": 2048, "valueTwo": 2048, "op": "SCMP_CMP_MASKED_EQ" }]
    },
    {
      "names": ["fchmodat", "fchmodat2"],
      "action": "SCMP_ACT_ERRNO",
      "args": [{ "index": 2, "value": 2048, "valueTwo": 2048, "op": "SCMP_CMP_MASKED_EQ" }]
    }
  ]
}
END
