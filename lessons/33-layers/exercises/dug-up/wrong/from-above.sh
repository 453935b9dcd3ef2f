#!/bin/bash
# refused: found/nothing-yet
# What a container would see.
boxlab -q --root mine image unpack shop root
cp root/etc/shop/password answer
