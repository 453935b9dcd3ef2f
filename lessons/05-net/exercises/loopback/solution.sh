#!/bin/bash
unshare --user --map-root-user --net sh -c 'ip link set lo up; exec sleep 0501' &
