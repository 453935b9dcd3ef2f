#!/bin/bash
# refused: same/not-running
unshare --user --map-root-user --mount sh -c 'mount --bind data /mnt && ls /mnt'
