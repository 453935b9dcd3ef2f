#!/bin/bash
# refused: mended
cat .damaged > answer
