#!/bin/bash
# The host image, without the loader of its programs.
boxlab -q image host >/dev/null
boxlab -q image unpack host broken || exit
echo yes > broken/given
loader=$(ldd "$(command -v sleep)" | awk '$1 ~ /^\// { print $1 }')
rm "broken$loader"
