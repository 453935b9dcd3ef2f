#!/bin/bash
# refused: holds/everything
# It is laid down, and comes back with execve.
setsid boxlab -q security caps --keep NET_BIND_SERVICE --without bounding -- sleep 2301 >/dev/null 2>&1 </dev/null &
