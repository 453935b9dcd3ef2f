#!/bin/bash
mkdir data
echo here > data/mark-3102
