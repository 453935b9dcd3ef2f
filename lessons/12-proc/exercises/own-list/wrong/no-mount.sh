#!/bin/bash
# refused: its-own/hosts-list
unshare --user --map-root-user --mount --pid --fork --kill-child sleep 1201 &
