#!/bin/bash
mkdir base app
echo "colour = grey" > base/config
echo "from the base" > base/readme
echo "colour = blue" > app/config
