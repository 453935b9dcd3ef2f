#!/bin/bash
# refused: sealed/not-the-top
unshare --user --map-root-user --mount --root=jail sleep 3801 &
