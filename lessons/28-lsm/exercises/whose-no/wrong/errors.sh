#!/bin/bash
# refused: door-1/no-word
echo EACCES > door-1
echo EPERM > door-2
echo EACCES > door-3
echo EROFS > door-4
