#!/bin/bash
# refused: renamed/not-running
unshare --user --map-root-user --uts sh -c 'hostname box; hostname'
