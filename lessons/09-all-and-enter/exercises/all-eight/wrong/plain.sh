#!/bin/bash
# refused: six/nothing
sleep 901 &
