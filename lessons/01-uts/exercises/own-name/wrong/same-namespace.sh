#!/bin/bash
# refused: renamed/same-namespace
sleep 777 &
