#!/bin/bash
mkdir data
echo hello > data/greeting
