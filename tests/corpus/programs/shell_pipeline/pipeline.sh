#!/bin/sh
# Sort, count and join with what every system has; Python at the end.
set -e
mkdir -p out
sort -u words.txt > out/sorted.txt
awk '{ print length($0) }' out/sorted.txt | sort -n | uniq -c > out/lengths.txt
cat out/sorted.txt | python -c 'import sys, random; words = sys.stdin.read().split(); random.shuffle(words); print("first:", len(words[0]))'
