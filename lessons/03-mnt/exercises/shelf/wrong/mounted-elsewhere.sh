#!/bin/bash
# refused: mounted/not-mounted
# Mounted in one new namespace, started in another.
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none shelf; touch shelf/book'
unshare --user --map-root-user --mount sleep 0301 &
