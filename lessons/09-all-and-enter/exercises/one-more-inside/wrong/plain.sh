#!/bin/bash
# refused: places/outside
sleep 905 &
