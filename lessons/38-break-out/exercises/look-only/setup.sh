#!/bin/bash
mkdir config
echo 'port = 3803' > config/app.conf
