#!/bin/bash
# refused: which/another
for name in breakfast lunch dinner; do [ $name = "$(cat .damaged)" ] || echo $name > answer; done
boxlab --root mine load -i backup.tar
