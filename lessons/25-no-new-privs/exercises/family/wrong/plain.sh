#!/bin/bash
# refused: first/no-promise
setsid ./service >/dev/null 2>&1 </dev/null &
