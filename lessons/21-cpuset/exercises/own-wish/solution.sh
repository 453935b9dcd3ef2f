#!/bin/bash
taskset -p -c 0 "$(cat pid)"
