#!/bin/bash
mkdir bin desk log
echo 'the first line' > log/journal
mkfifo desk/question desk/answer
cat > bin/keeper <<'END'
# The keeper of the journal:
#   read FILE    says what is in the file
#   note WORD    writes the word into what it has open as descriptor 3
while read -r verb what; do
    case $verb in
        read) cat "$what" ;;
        note) echo "$what" >&3 && echo noted ;;
    esac > desk/answer 2>&1
done <> desk/question
END
cat > bin/ask <<'END'
#!/bin/sh
# Puts a question to the keeper, and prints the answer.
timeout 2 sh -c 'echo "$*" > desk/question; cat desk/answer' ask "$@"
END
chmod +x bin/ask
