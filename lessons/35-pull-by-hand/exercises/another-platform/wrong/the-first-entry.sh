#!/bin/bash
# refused: found/this-machine
greeter=http://$(cat address)/v2/greeter
digest=$(curl -s "$greeter/manifests/1" | grep -o 'sha256:[0-9a-f]*' | head -n 1)
config=$(curl -s "$greeter/manifests/$digest" | grep -o 'sha256:[0-9a-f]*' | head -n 1)
curl -s "$greeter/blobs/$config" | grep -o '"Cmd":\["[^"]*' | cut -d '"' -f 4 > answer
