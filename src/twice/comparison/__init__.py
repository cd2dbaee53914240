"""What differs between two runs, and is it within tolerance?  Pure: runs in, a `Comparison` or a `Verdict` out."""
