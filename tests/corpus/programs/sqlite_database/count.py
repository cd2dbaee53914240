"""Read one database and write another."""

import sqlite3

source = sqlite3.connect("file:sales.sqlite3?mode=ro", uri=True)
total = source.execute("SELECT sum(price) FROM sale").fetchone()[0]
target = sqlite3.connect("report.sqlite3")
target.execute("CREATE TABLE IF NOT EXISTS report (total REAL)")
target.execute("INSERT INTO report VALUES (?)", (total,))
target.commit()
print(f"total: {total!r}")
