#!/bin/bash
# refused: braked/stopped
kill -STOP $(cat pid)
