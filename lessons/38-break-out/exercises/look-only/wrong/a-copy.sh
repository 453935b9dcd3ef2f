#!/bin/bash
# refused: mounted/no-mount
setsid boxlab -q run -i host sh -c 'mkdir /config; cat > /config/app.conf; exec sleep 3803' \
    >/dev/null 2>&1 < config/app.conf &
