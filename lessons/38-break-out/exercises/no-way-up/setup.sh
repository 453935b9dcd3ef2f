#!/bin/bash
boxlab -q image host >/dev/null
boxlab -q image unpack host jail
echo 'this is the jail' > jail/marker
mkdir jail/old
