#!/bin/bash
# refused: answers/not-running
unshare --user --map-root-user --net sh -c 'ip link set lo up; ping -c 1 127.0.0.1'
