#!/bin/bash
# refused: days
uptime --pretty >days
