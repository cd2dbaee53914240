"""How does it look?  Pure: runs, comparisons and verdicts in, text (or the plain data of `--json`) out."""
