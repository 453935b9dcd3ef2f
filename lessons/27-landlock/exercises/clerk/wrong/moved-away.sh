#!/bin/bash
# refused: discreet/hidden
# Another place is no refusal.
mv private away
sh bin/clerk &
