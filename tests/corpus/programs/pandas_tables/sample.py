"""Read CSV and Parquet, draw a sample, write both."""

import pandas as pd

people = pd.read_csv("people.csv")
people.to_parquet("people.parquet")
again = pd.read_parquet("people.parquet", engine="pyarrow")
drawn = again.sample(frac=0.5)
drawn.to_csv("drawn.csv", index=False)
drawn.to_parquet("drawn.parquet")
print(f"mean age: {float(drawn.age.mean())!r}")
