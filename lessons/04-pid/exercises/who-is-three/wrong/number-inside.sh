#!/bin/bash
# refused: three/number-inside
echo 3 > three
echo 6 > inside
