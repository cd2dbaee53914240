"""The same figure as PNG, PDF and SVG."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

walk = np.random.default_rng().standard_normal(200).cumsum()
figure, axes = plt.subplots(figsize=(3, 2))
axes.plot(walk)
axes.fill_between(range(200), walk, alpha=0.3)
axes.set_title("a walk")
for suffix in ("png", "pdf", "svg"):
    figure.savefig(f"walk.{suffix}")
print(f"end: {float(walk[-1])!r}")
