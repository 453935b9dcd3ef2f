#!/bin/bash
# refused: apart
sleep 401 &
