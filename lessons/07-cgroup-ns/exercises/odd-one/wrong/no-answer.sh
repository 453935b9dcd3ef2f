#!/bin/bash
# refused: found
sed -n 2p numbers >answers
