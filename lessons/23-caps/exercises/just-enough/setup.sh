#!/bin/bash
echo log of the service > log
chmod 444 log
cat > service <<'END'
#!/bin/sh
# A service of the kind that says: "run me as root".
echo "service 2302: started" >> log || exit 1
chroot / true || exit 1
exec sleep 2302
END
chmod 755 service
