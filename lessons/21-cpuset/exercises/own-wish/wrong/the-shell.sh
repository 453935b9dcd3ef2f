#!/bin/bash
# refused: wished
# The shell is changed, and what it starts from now on; the sleep was started before.
taskset -p -c 0 $$
