#!/bin/bash
# refused: map/same-namespace
sleep 0602 &
