#!/bin/bash
mkdir bin desk private
echo 'buy milk' > desk/notes
echo 'dear diary' > private/diary
chmod 600 private/diary
mkfifo desk/question desk/answer
cat > bin/clerk <<'END'
# The clerk: is asked for a file, and says what is in it.
while read -r path; do
    cat "$path" > desk/answer 2>&1
done <> desk/question
END
cat > bin/ask <<'END'
#!/bin/sh
# Puts a question to the clerk, and prints the answer.
timeout 2 sh -c 'echo "$*" > desk/question; cat desk/answer' ask "$@"
END
chmod +x bin/ask
