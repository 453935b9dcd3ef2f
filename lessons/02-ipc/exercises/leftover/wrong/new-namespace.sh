#!/bin/bash
# refused: tidy/untouched
# A new namespace is empty: there is nothing to remove in it.
unshare --user --map-root-user --ipc ipcrm --all=msg
