#!/bin/bash
# refused: map/another-number
unshare --user --map-user=1000601 sleep 0601 &
