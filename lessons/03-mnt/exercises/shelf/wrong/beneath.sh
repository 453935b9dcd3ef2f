#!/bin/bash
# refused: book/covered
touch shelf/book
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none shelf; exec sleep 0301' &
