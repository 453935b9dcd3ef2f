#!/bin/bash
greeter=http://$(cat address)/v2/greeter
digest=$(curl -s "$greeter/manifests/1" | grep -o '"digest":"[^"]*","size":[0-9]*,"platform":{"architecture":"s390x' | cut -d '"' -f 4)
config=$(curl -s "$greeter/manifests/$digest" | grep -o '"config":[^}]*' | grep -o 'sha256:[0-9a-f]*')
curl -s "$greeter/blobs/$config" | grep -o '"Cmd":\["[^"]*' | cut -d '"' -f 4 > answer
