#!/bin/bash
# An image of three layers in the store mine: a password, a newer one, and none.
new=$(tr -dc a-z </dev/urandom | head -c 12) old=$(tr -dc a-z </dev/urandom | head -c 12)
mkdir -p work/{1,2,3}/etc/shop && cd work || exit
echo "name = shop" > 1/etc/shop/settings
echo "$old" > 1/etc/shop/password
echo "$new" > 2/etc/shop/password
touch 3/etc/shop/.wh.password
for layer in 1 2 3; do tar -c --owner=0 --group=0 -C $layer -f $layer.tar etc; done
ids=$(sha256sum 1.tar 2.tar 3.tar | sed 's/\(.\{64\}\).*/"sha256:\1"/' | paste -sd,)
echo '[{"Config":"config.json","RepoTags":["shop"],"Layers":["1.tar","2.tar","3.tar"]}]' > manifest.json
cat > config.json <<END
{"os":"linux","architecture":"$(uname -m | sed "s,x86_64,amd64,; s,aarch64,arm64,")","config":{},"rootfs":{"type":"layers","diff_ids":[$ids]},
"history":[{"created_by":"COPY settings password /etc/shop/"},{"created_by":"COPY new-password /etc/shop/password"},
{"created_by":"RUN rm /etc/shop/password"}]}
END
tar -c ./*.json ./*.tar | boxlab -q --root ../mine load
cd ..
rm -rf work
# What the check asks: it knows checksums only.
cat > .compare <<END
#!/bin/sh
case \$(tr -d ' \n' <answer | sha256sum) in
"$(printf %s "$new" | sha256sum)") echo right ;;
"$(printf %s "$old" | sha256sum)") echo the first one ;;
*) echo not right ;;
esac
END
chmod +x .compare
