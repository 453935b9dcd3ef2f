#!/bin/bash
# refused: apart
sleep 1201 &
