"""Scan a file lazily, draw and shuffle without a seed."""

import polars as pl

frame = pl.scan_csv("visits.csv").with_columns(double=pl.col("count") * 2).collect()
drawn = frame.sample(fraction=0.5)
shuffled = frame["count"].shuffle()
drawn.write_parquet("drawn.parquet")
print(f"sum: {drawn['double'].sum()}")
print(f"first: {shuffled[0]}")
