#!/bin/bash
# refused: soft
ulimit -Sn 100
