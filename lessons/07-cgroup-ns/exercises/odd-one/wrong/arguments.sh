#!/bin/bash
# refused: found/arguments
echo 0703 >answer
