#!/bin/bash
# refused: mounted/another-kind
unshare --user --map-root-user --cgroup --mount sh -c 'mount -t tmpfs none groups; touch groups/cgroup.procs; exec sleep 0701' &
