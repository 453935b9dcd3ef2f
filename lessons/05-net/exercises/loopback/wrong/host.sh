#!/bin/bash
# refused: apart/same-namespace
# The host's loopback is on, so 127.0.0.1 answers; but it is the host's.
unshare --user --map-root-user sleep 0501 &
