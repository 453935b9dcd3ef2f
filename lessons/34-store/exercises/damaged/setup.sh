#!/bin/bash
# Three images in the store mine, a copy of them in backup.tar; a byte of one is another one now.
names=(breakfast lunch dinner)
for name in "${names[@]}"; do
    mkdir "$name"
    echo "what there is for $name" > "$name/menu"
    tar -c --owner=0 --group=0 -C "$name" menu | boxlab -q --root mine image import - "$name"
    rm -r "$name"
done
boxlab -q --root mine save -o backup.tar "${names[@]}"
damaged=${names[RANDOM % 3]}
(cd mine/oci/blobs/sha256 && sha256sum ./*) > .blobs
layer=$(boxlab --root mine inspect --format '{{json .RootFS.Layers}}' "$damaged" | grep -o '[0-9a-f]\{64\}')
sed -i 's/what there is/what there was/; s/\x00//' "mine/oci/blobs/sha256/$layer"
# What the check asks: it knows a checksum of the answer only.
cat > .compare <<END
#!/bin/sh
[ "\$(tr -d ' \n' <answer | sha256sum)" = "$(printf %s "$damaged" | sha256sum)" ] && echo right || echo not right
END
chmod +x .compare
