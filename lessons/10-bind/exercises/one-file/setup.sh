#!/bin/bash
echo '10.7.7.1 early' > hosts
