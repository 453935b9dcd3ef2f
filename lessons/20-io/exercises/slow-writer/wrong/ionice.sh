#!/bin/bash
# refused: braked/no-rate
ionice -c 3 -p $(cat pid)
