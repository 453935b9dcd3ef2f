#!/bin/bash
# refused: others/no-file
chmod 755 keep
