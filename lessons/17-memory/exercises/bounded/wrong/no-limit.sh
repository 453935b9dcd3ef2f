#!/bin/bash
# refused: limited
sleep 778 &
