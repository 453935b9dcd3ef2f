#!/bin/bash
# A name that is not the checksum of its content.
damaged=$(cd mine/oci/blobs/sha256 && sha256sum ./* | awk '"./" $1 != $2 { print $1 = substr($2, 3) }')
for name in breakfast lunch dinner; do
    boxlab --root mine inspect "$name" | grep -q "$damaged" && echo $name > answer
done
boxlab --root mine load -i backup.tar
