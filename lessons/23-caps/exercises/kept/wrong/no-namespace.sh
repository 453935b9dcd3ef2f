#!/bin/bash
# refused: ordinary/no-namespace
sleep 2303 &
