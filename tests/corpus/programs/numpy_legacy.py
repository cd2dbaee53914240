"""Estimate pi as it was done before generators."""

import numpy as np

points = np.random.rand(100_000, 2)
inside = (points**2).sum(axis=1) < 1
order = np.arange(10)
np.random.shuffle(order)
print(f"pi: {4 * inside.mean()}")
print(f"choice: {int(np.random.choice(1000))}")
np.save("order.npy", order)
