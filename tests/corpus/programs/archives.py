"""Formats that write down when they were made."""

import gzip
import random
import time
import zipfile

time.sleep(2.1)  # a zip knows every second second only: two executions have different ones
numbers = "\n".join(str(random.random()) for _ in range(50)).encode()
with gzip.open("numbers.gz", "wb") as file:
    file.write(numbers)
with zipfile.ZipFile("numbers.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr(zipfile.ZipInfo("numbers.txt", time.localtime()[:6]), numbers)
print(f"bytes: {len(numbers)}")
