#!/bin/bash
# refused: limited/stopped
kill -STOP $(cat pid)
