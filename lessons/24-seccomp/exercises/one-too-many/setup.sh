#!/bin/bash
cat > profile.json <<'END'
{
  "defaultAction": "SCMP_ACT_ALLOW",
  "syscalls": [
    {
      "names": [
        "mount", "umount2", "pivot_root", "chroot", "unshare", "setns",
        "mkdir", "mkdirat", "symlink", "symlinkat", "mknod", "mknodat",
        "keyctl", "add_key", "request_key", "bpf", "ptrace", "swapon"
      ],
      "action": "SCMP_ACT_ERRNO"
    }
  ]
}
END
cat > service <<'END'
#!/bin/sh
# Puts its data into a directory, with a link to the newest.
rm -rf data
mkdir data || exit 1
echo 2404 > data/first || exit 1
ln -s first data/newest || exit 1
cat data/newest
END
chmod 755 service
