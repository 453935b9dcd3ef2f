#!/bin/bash
# refused: cannot-read/reads-it
sh bin/keeper 3>>log/journal &
