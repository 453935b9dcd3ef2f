#!/bin/bash
sed -i 's/"mkdir", "mkdirat", "symlink", "symlinkat", //' profile.json
