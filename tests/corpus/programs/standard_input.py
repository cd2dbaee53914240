"""Data by standard input."""

import sys

print(f"sum: {sum(map(float, sys.stdin.read().split()))!r}")
