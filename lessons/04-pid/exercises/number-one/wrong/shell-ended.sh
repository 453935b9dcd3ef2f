#!/bin/bash
# refused: apart/not-running
# The shell is process 1. It ends, and with it all that it has started.
unshare --user --map-root-user --pid --fork sh -c 'sleep 401 &'
