#!/bin/bash
# refused: own-namespace/same-namespace
sleep 0201 &
