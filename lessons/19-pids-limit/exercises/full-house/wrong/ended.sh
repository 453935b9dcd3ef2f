#!/bin/bash
# refused: limited/not-running
boxlab -q cgroup pids --limit 10 -- true
