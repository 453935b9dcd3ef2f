#!/bin/bash
# refused: apart/same-namespace
sleep 0601 &
