#!/bin/bash
# refused: mounted/not-running
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs none shelf; touch shelf/book; ls shelf'
