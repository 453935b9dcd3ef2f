#!/bin/bash
mkdir data
chmod 755 data
echo hello > data/greeting
