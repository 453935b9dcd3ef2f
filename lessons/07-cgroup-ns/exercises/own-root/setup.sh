#!/bin/bash
mkdir groups
