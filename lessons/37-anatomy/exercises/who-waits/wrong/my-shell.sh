#!/bin/bash
# refused: found
echo $$ > answer
