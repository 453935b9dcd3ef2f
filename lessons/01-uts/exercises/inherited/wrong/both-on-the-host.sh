#!/bin/bash
# refused: named/same-namespace
sleep 0101 &
sleep 0102 &
