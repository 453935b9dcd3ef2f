#!/bin/bash
mkdir -p tree/sub
echo top > tree/top
