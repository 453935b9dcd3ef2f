#!/bin/bash
# refused: frozen/not-running
boxlab -q cgroup freeze -- true
