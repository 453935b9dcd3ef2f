#!/bin/bash
# refused: which/a-digest
(cd mine/oci/blobs/sha256 && sha256sum ./* | awk '"./" $1 != $2 { print $2 }') > answer
boxlab --root mine load -i backup.tar
