#!/bin/bash
# refused: tidy/untouched
nsenter --target "$(cat pid)" --user --ipc --preserve-credentials ipcrm --queue-id 0
