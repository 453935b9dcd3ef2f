#!/bin/bash
# refused: closed/the-key
sed -i 's/--mount-proc sleep 3802/& 7<\&-/' start
./start &
