#!/bin/bash
# refused: memory/not-running
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs -o size=4m,noexec scratch /tmp; df /tmp'
