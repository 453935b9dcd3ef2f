#!/bin/bash
cat > service <<'END'
#!/bin/sh
# Starts two workers, and waits for them.
sleep 2501 &
sleep 2502 &
wait
END
chmod 755 service
