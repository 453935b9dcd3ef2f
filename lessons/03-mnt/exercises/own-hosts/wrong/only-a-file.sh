#!/bin/bash
# refused: own-hosts/same-namespace
echo '127.0.0.1 box.example' >hosts
sleep 0302 &
