#!/bin/bash
# refused: own-hosts/hostname-instead
unshare --user --map-root-user --uts sh -c 'hostname box.example; exec sleep 0302' &
