#!/bin/bash
# refused: closed/both
./start &
