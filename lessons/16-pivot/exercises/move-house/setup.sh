#!/bin/bash
boxlab -q image unpack host rootfs
