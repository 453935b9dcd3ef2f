#!/bin/bash
# refused: shared/flat
# Unpacked, changed, and packed again: right to look at, but nothing is shared.
boxlab -q --root mine image unpack shop root
rm root/etc/debug.conf
echo Welcome > root/etc/banner
tar -c --owner=0 --group=0 -C root etc | boxlab --root mine image import - shop:prod
