#!/bin/sh
# The ten most frequent words of a text: {"text": "..."} on stdin, lines of `count word` on stdout.
# Only sh, coreutils and sed: the input has one field, so no JSON parser is needed to find it.
set -eu
export LC_ALL=C.UTF-8

body=$(mktemp "${DAYFLY_DIR:-${TMPDIR:-/tmp}}/text.XXXXXX")
trap 'rm -f "$body"' EXIT

# A raw newline never stands inside a JSON string, so the document may be put on one line.
tr '\n' ' ' | sed -n 's/^[[:space:]]*{[[:space:]]*"text"[[:space:]]*:[[:space:]]*"\(.*\)"[[:space:]]*}[[:space:]]*$/x\1/p' >"$body"
if [ ! -s "$body" ]; then
    echo 'the input must be JSON like {"text": "some words"}' >&2
    exit 1
fi

# The mark `x` goes; escapes become what they mean, or a space where that is no part of a word.
sed -e 's/^x//' -e 's/\\\\/ /g' -e 's/\\["\/bfnrt]/ /g' -e 's/\\u[0-9a-fA-F]\{4\}/ /g' "$body" |
    tr '[:upper:]' '[:lower:]' |
    tr -cs "[:alnum:]'\200-\377" '\n' |
    sed '/^$/d' |
    sort |
    uniq -c |
    sort -k1,1nr -k2,2 |
    head -n 10 |
    sed 's/^ *//'
