#!/bin/bash
# refused: mended/removed
name_damaged() {
    local digest
    digest=$(cd mine/oci/blobs/sha256 && sha256sum ./* | awk '"./" $1 != $2 { print substr($2, 3) }')
    for name in breakfast lunch dinner; do boxlab --root mine inspect $name | grep -q "$digest" && echo $name; done
}
name_damaged > answer
boxlab --root mine rmi "$(cat answer)"
