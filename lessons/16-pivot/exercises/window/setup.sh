#!/bin/bash
boxlab -q image unpack host rootfs
mkdir data
echo hello > data/greeting
