"""Draw from each kind of numpy generator that can be made without a seed."""

import numpy as np
from numpy.random import MT19937, PCG64DXSM, SFC64, Generator, Philox, RandomState, SeedSequence, default_rng

streams = [default_rng(), RandomState(), *(Generator(kind()) for kind in (PCG64DXSM, Philox, SFC64, MT19937))]
streams += [default_rng(child) for child in SeedSequence().spawn(3)] + list(default_rng().spawn(2))
means = [stream.standard_normal(1000).mean() for stream in streams]
print(f"distinct: {len(set(means))}")
print(f"price: {np.maximum(100 * np.exp(default_rng().standard_normal(50_000) * 0.2) - 100, 0).mean()}")
np.savetxt("means.txt", means)
