#!/bin/bash
# refused: first/not-running
setpriv --no-new-privs sh -c 'sleep 0.1'
