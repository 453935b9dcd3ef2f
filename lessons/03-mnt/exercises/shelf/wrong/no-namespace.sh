#!/bin/bash
# refused: mounted/same-namespace
touch shelf/book
sleep 0301 &
