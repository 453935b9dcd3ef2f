#!/bin/bash
# refused: first/behind-another
unshare --user --map-root-user --pid --fork --kill-child sh -c 'sleep 401 & wait' &
