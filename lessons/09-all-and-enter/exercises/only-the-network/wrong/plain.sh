#!/bin/bash
# refused: network/hosts
sleep 903 &
