#!/bin/bash
# refused: answers/switched-off
unshare --user --map-root-user --net sleep 0501 &
