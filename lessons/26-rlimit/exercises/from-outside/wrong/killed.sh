#!/bin/bash
# refused: same/not-running
kill "$(cat pid)"
