#!/bin/bash
# refused: nothing-else
sed -i '/mkdirat/d' profile.json
