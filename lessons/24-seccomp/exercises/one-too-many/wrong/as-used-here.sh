#!/bin/bash
# refused: twins
sed -i -e 's/"mkdir", //' -e 's/"symlinkat", //' profile.json
