#!/bin/bash
# refused: limited/no-quota
taskset -p -c 0 $(cat pid)
