#!/bin/bash
# A registry with an image for two platforms: this machine's, and a mainframe.
(setsid boxlab --root there registry serve --listen 127.0.0.1:0 >address 2>requests </dev/null &)
until [ -s address ]; do sleep 0.1; done
hub=$(cat address)
mkdir work && cd work || exit
echo hello > greeting
tar -c --owner=0 --group=0 greeting | boxlab -q --root store image import --change 'CMD ["greet-small"]' - "$hub/greeter:here"
boxlab -q --root store push "$hub/greeter:here"
arch=$(boxlab --root store inspect --format '{{.Architecture}}' "$hub/greeter:here")
mkdir twin
boxlab -q --root store save "$hub/greeter:here" | tar -x -C twin
sed -i "s/\"$arch\"/\"s390x\"/; s/greet-small/greet-mainframe/; s/greeter:here/greeter:s390x/" twin/*.json
tar -c -C twin . | boxlab -q --root store load >/dev/null
boxlab -q --root store push "$hub/greeter:s390x"
entry() {
    curl -s "http://$hub/v2/greeter/manifests/$1" > manifest
    printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,' \
        "$(sha256sum manifest | cut -c -64)" "$(stat -c %s manifest)"
    printf '"platform":{"architecture":"%s","os":"linux"}}' "$2"
}
type=application/vnd.oci.image.index.v1+json
echo '{"schemaVersion":2,"mediaType":"'$type'","manifests":['"$(entry here "$arch"),$(entry s390x s390x)"']}' > index
curl -s -X PUT -H "Content-Type: $type" --data-binary @index "http://$hub/v2/greeter/manifests/1"
cd ..
rm -rf work
# What the check asks: it knows a checksum of the answer only.
cat > .compare <<END
#!/bin/sh
[ "\$(tr -d ' \n' <answer | sha256sum)" = "$(printf %s greet-mainframe | sha256sum)" ] && echo right || echo not right
END
chmod +x .compare
