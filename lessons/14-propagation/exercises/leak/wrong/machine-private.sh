#!/bin/bash
# refused: machine/machine-changed
sed -i s/make-shared/make-private/ machine.sh
unshare --user --map-root-user --mount sh machine.sh >/dev/null 2>&1 </dev/null &
