#!/bin/bash
# refused: only-there
touch shelf/book
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none shelf; touch shelf/book; exec sleep 0301' &
