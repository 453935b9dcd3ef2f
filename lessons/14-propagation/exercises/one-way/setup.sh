#!/bin/bash
mkdir media
