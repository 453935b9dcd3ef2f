#!/bin/bash
# The program and what it needs, at the same paths beneath rootfs. ldd names a library by its path
# after "=>", the loader by its path alone.
mkdir rootfs
program=$(command -v sleep)
for file in "$program" $(ldd "$program" | grep -o '/[^ ]*'); do
    cp --parents --dereference "$file" rootfs
done
echo mine > rootfs/whose
setsid unshare --map-root-user --root=rootfs "$program" 3001 >/dev/null 2>&1 </dev/null &
