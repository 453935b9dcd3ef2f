#!/bin/bash
# refused: mended
# Now all names fit, and the manifest asks for one that is not there.
name_damaged() {
    local digest
    digest=$(cd mine/oci/blobs/sha256 && sha256sum ./* | awk '"./" $1 != $2 { print substr($2, 3) }')
    for name in breakfast lunch dinner; do boxlab --root mine inspect $name | grep -q "$digest" && echo $name; done
}
name_damaged > answer
cd mine/oci/blobs/sha256 || exit
for blob in *; do mv --no-clobber "$blob" "$(sha256sum < "$blob" | cut -c -64)"; done
