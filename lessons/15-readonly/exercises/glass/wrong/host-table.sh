#!/bin/bash
# refused: same/same-namespace
echo fresh > data/news
sleep 1501 >/dev/null 2>&1 </dev/null &
