#!/bin/bash
# refused: mended
# Now all names fit, and the manifest asks for one that is not there.
cat .damaged > answer
cd mine/oci/blobs/sha256 || exit
for blob in *; do mv --no-clobber "$blob" "$(sha256sum < "$blob" | cut -c -64)"; done
