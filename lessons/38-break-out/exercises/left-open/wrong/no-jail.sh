#!/bin/bash
# refused: locked-in/hosts-files
sleep 3802 &
