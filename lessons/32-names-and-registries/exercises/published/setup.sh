#!/bin/bash
# A registry, whose address stands in the file address, and an image in the store mine.
(setsid boxlab --root there registry serve --listen 127.0.0.1:0 >address 2>requests </dev/null &)
mkdir files
echo "Good morning" > files/greeting
tar -c -C files . | boxlab -q --root mine image import -m "made for you" - greeting:new
until [ -s address ]; do sleep 0.1; done
given=$(boxlab --root mine inspect --format '{{.Id}}' greeting:new)
cat > ids <<END
#!/bin/sh
# Which images the two names stand for, in the registry.
for tag in 1.0 latest; do
    id=\$(boxlab --root there inspect --format '{{.Id}}' "\$(cat address)/team/greeting:\$tag") || exit
    [ "\$id" = "$given" ] && echo the given one || echo "another: \$id"
done
END
chmod +x ids
