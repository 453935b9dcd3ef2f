#!/bin/bash
# refused: discreet/reads-it
sh bin/clerk &
