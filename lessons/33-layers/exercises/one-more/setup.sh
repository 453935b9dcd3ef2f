#!/bin/bash
# An image of one layer in the store mine, and the same in the directory parts.
mkdir -p files/etc parts
echo "All at half price" > files/etc/banner
echo "debug = on" > files/etc/debug.conf
echo "name = shop" > files/etc/shop.conf
tar -c --owner=0 --group=0 -C files . | boxlab -q --root mine image import - shop
rm -rf files
boxlab -q --root mine save shop | tar -x -C parts
# What the checks ask.
cat > layers <<'END'
#!/bin/bash
# The layers of shop:prod, from below.
ids() { boxlab --root mine inspect --format '{{json .RootFS.Layers}}' "$1" | grep -o '[0-9a-f]\{64\}'; }
for id in $(ids shop:prod); do [ "$id" = "$(ids shop:latest)" ] && echo the layer of shop || echo another; done
END
cat > files <<'END'
#!/bin/bash
# The files of shop:prod, unpacked.
place=$(mktemp -d) && trap 'rm -rf "$place"' EXIT
boxlab -q --root mine image unpack shop:prod "$place/root" || exit
cd "$place/root" && find . -type f | cut -c 3-
END
cat > banner <<'END'
#!/bin/bash
place=$(mktemp -d) && trap 'rm -rf "$place"' EXIT
boxlab -q --root mine image unpack shop:prod "$place/root" || exit
cat "$place/root/etc/banner"
END
chmod +x layers files banner
