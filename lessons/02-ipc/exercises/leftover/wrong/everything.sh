#!/bin/bash
# refused: only-queues/everything
nsenter --target "$(cat pid)" --user --ipc --preserve-credentials ipcrm --all
