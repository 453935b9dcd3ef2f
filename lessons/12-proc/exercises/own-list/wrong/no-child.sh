#!/bin/bash
# refused: apart/parent-stayed
# Without --fork, it is the caller that goes on, and it stays outside.
unshare --user --map-root-user --pid --mount sleep 1201 &
