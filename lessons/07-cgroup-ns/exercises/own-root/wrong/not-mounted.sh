#!/bin/bash
# refused: mounted/not-mounted
unshare --user --map-root-user --cgroup sleep 0701 &
