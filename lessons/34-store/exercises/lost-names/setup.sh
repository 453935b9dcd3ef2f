#!/bin/bash
# A store with an image, whose index is empty.
mkdir files
echo "still here" > files/greeting
tar -c --owner=0 --group=0 -C files greeting | boxlab -q --root mine image import --change 'CMD ["greet"]' - shop
rm -rf files
boxlab --root mine inspect --format '{{.Id}}' shop > .id
(cd mine/oci/blobs/sha256 && sha256sum ./*) > .blobs
echo '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}' > mine/oci/index.json
# What the checks ask.
cat > .pointed <<'END'
#!/bin/bash
# What the entries of the index point to.
for digest in $(grep -o '[0-9a-f]\{64\}' mine/oci/index.json); do
    blob=mine/oci/blobs/sha256/$digest
    if [ ! -e "$blob" ]; then echo nothing
    elif grep -q '"layers":' "$blob"; then
        grep -qE "\"size\": *$(stat -c %s "$blob")\b" mine/oci/index.json && echo manifest || echo manifest, wrong size
    elif grep -q '"rootfs"' "$blob"; then echo config
    else echo layer
    fi
done
END
chmod +x .pointed
