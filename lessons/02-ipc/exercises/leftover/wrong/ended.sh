#!/bin/bash
# refused: tidy/not-running
# The queues are gone with the namespace, but so is the program.
kill "$(cat pid)"
