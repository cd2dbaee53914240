"""Bootstrap, a quasi-random integral and a global optimum."""

import json

from scipy import optimize, stats

sample = stats.gamma(2).rvs(200)
interval = stats.bootstrap((sample,), lambda x, axis: x.mean(axis=axis), n_resamples=500).confidence_interval
points = stats.qmc.Sobol(2).random(256)
best = optimize.differential_evolution(optimize.rosen, [(-2, 2)] * 3, maxiter=20, polish=False)
print(f"low: {interval.low}")
print(f"integral: {float((points[:, 0] * points[:, 1]).mean())}")
print(f"optimum: {float(best.fun)}")
with open("scipy.json", "w") as file:
    json.dump({"x": best.x.tolist(), "interval": list(interval)}, file)
