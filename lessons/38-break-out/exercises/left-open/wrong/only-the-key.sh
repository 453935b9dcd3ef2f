#!/bin/bash
# refused: closed/the-directory
sed -i 's/--mount-proc sleep 3802/& 8<\&-/' start
./start &
