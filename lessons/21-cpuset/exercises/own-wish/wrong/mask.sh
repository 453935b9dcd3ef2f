#!/bin/bash
# refused: wished/mask
taskset -p 2 $(cat pid)
