#!/bin/bash
# A registry, in which a tag has moved: the file known has the digest that it stood for before.
(setsid boxlab --root there registry serve --listen 127.0.0.1:0 >address 2>requests </dev/null &)
until [ -s address ]; do sleep 0.1; done
for day in yesterday today; do
    mkdir $day
    echo $day > $day/version
    tar -c -C $day . | boxlab -q --root build image import - "$(cat address)/shop:1"
    # As a build server does: by the number of the build, too.
    for tag in 1 build-$((++number)); do boxlab -q --root build push "$(cat address)/shop:1" "$(cat address)/shop:$tag"; done
    [ $day = today ] || boxlab --root build inspect --format '{{.Descriptor.digest}}' "$(cat address)/shop:1" > known
done
rm -rf build yesterday today
cat > version-of <<'END'
#!/bin/sh
# The file /version in an image of the store mine.
boxlab --root mine image export "$1" | tar -x -O version
END
chmod +x version-of
