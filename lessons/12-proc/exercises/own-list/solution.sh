#!/bin/bash
unshare --user --map-root-user --pid --fork --kill-child --mount-proc sleep 1201 &
