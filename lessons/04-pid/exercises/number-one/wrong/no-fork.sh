#!/bin/bash
# refused: apart/caller-stayed
unshare --user --map-root-user --pid sleep 401 &
