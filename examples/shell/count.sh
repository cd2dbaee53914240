#!/bin/sh
# Count words, without any Python: params are the words of the command, metrics are printed lines.
# usage: count.sh FILE --top N
set -eu
file=$1
top=$3
tr -cs 'A-Za-z' '\n' <"$file" | tr 'A-Z' 'a-z' | sort | uniq -c | sort -k1,1nr -k2 | head -n "$top" >counts.txt
echo "words: $(wc -w <"$file")"
echo "distinct: $(tr -cs 'A-Za-z' '\n' <"$file" | tr 'A-Z' 'a-z' | sort -u | wc -l)"
