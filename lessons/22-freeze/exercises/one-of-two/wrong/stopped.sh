#!/bin/bash
# refused: stands/stopped
kill -STOP $(cat pid-a)
