#!/bin/bash
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none shelf; echo 1 >shelf/book; exec sleep 0301' &
