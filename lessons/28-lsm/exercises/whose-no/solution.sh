#!/bin/bash
for door in 1 2 3 4; do
    pid=$(pgrep -f "^sh bin/porter $door")
    error=$(bin/knock $door)
    if [[ $error == *Read-only* ]]; then
        word=mount
    elif grep -q 'Seccomp:.2' "/proc/$pid/status"; then
        word=seccomp
    elif grep -q 'NoNewPrivs:.1' "/proc/$pid/status"; then
        word=landlock
    else
        word=mode
    fi
    echo $word > door-$door
done
