#!/bin/bash
mkdir image changes work merged
echo "the letter" > image/letter
echo "first page" > image/diary
unshare --user --map-root-user --mount sh -c '
    mount -t overlay overlay -o lowerdir=image,upperdir=changes,workdir=work merged &&
    echo "second page" >> merged/diary && rm merged/letter'
