#!/bin/bash
boxlab -q image host >/dev/null
boxlab -q image unpack host jail
echo 'this is the jail' > jail/marker
mkdir vault
echo 'open sesame' > vault/key
cat > start <<'END'
#!/bin/bash
# Starts the service, locked into the jail.
exec 7< vault
exec 8< vault/key
read -r key <&8
[ -n "$key" ] || exit 1
exec unshare --user --map-root-user --mount --pid --fork --kill-child \
    --root=jail --mount-proc sleep 3802
END
chmod +x start
