#!/bin/bash
# refused: holds/not-running
boxlab -q security caps --keep NET_BIND_SERVICE -- true
