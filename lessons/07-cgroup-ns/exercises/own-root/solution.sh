#!/bin/bash
unshare --user --map-root-user --cgroup --mount sh -c 'mount -t cgroup2 none groups; exec sleep 0701' &
