#!/bin/bash
unshare --user --map-user=1234 sleep 0602 &
