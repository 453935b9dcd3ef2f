#!/bin/bash
unshare --user --map-root-user --pid --fork --kill-child sleep 401 &
