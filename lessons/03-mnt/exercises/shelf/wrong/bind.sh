#!/bin/bash
# refused: mounted/another-kind
mkdir other; touch other/book
unshare --user --map-root-user --mount sh -c 'mount --bind other shelf; exec sleep 0301' &
