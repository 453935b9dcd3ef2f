#!/bin/bash
# refused: its-own/hosts-list
# A mount that nobody sees, and a list that is not the program's.
unshare --user --map-root-user --pid --fork --mount-proc true
