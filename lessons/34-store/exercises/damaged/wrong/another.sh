#!/bin/bash
# refused: which/another
name_damaged() {
    local digest
    digest=$(cd mine/oci/blobs/sha256 && sha256sum ./* | awk '"./" $1 != $2 { print substr($2, 3) }')
    for name in breakfast lunch dinner; do boxlab --root mine inspect $name | grep -q "$digest" && echo $name; done
}
for name in breakfast lunch dinner; do [ $name = "$(name_damaged)" ] || echo $name > answer; done
boxlab --root mine load -i backup.tar
