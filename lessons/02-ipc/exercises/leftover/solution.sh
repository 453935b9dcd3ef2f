#!/bin/bash
nsenter --target "$(cat pid)" --user --ipc --preserve-credentials ipcrm --all=msg
