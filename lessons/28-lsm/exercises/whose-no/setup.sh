#!/bin/bash
mkdir bin doors pipes
mkdir doors/1 doors/2 doors/3 doors/4
cat > bin/porter <<'END'
# A porter: tries to make a directory behind his door, whenever somebody knocks.
while read -r knock; do
    { mkdir "doors/$1/room" && rmdir "doors/$1/room" && echo "the door is open"; } > "pipes/$1.answer" 2>&1
done <> "pipes/$1.knock"
END
cat > bin/knock <<'END'
#!/bin/sh
# Knocks at a door, and says what was heard.
timeout 2 sh -c 'echo knock > "pipes/$1.knock"; cat "pipes/$1.answer"' knock "$1"
END
chmod +x bin/knock
for door in 1 2 3 4; do
    mkfifo pipes/$door.knock pipes/$door.answer
done
{
    setsid boxlab -q security landlock --read bin --write pipes -- sh bin/porter 1 &
    setsid boxlab -q security seccomp --block mkdir --block mkdirat -- sh bin/porter 2 &
    chmod 555 doors/3
    # Whoever is root would not mind the mode.
    if [ "$(id -u)" = 0 ]; then
        setsid setpriv --bounding-set -dac_override,-dac_read_search sh bin/porter 3 &
    else
        setsid sh bin/porter 3 &
    fi
    setsid unshare --user --map-root-user --mount sh -c '
        mount --bind doors/4 doors/4
        mount -o remount,bind,ro doors/4
        exec sh bin/porter 4' &
} >/dev/null 2>&1 </dev/null
# They are there when they answer.
for door in 1 2 3 4; do
    bin/knock $door >/dev/null
done
