"""Write HDF5, read it back, and map an array from disk."""

import h5py
import numpy as np

signal = np.random.default_rng().standard_normal((64, 32))
with h5py.File("signal.h5", "w") as store:
    store.create_dataset("raw", data=signal, compression="gzip")
    store["raw"].attrs["rate_hz"] = 100
with h5py.File("signal.h5") as store:
    power = float((store["raw"][:] ** 2).mean())
mapped = np.lib.format.open_memmap("spectrum.npy", mode="w+", dtype="float64", shape=(17,))
mapped[:] = np.abs(np.fft.rfft(signal[0])) ** 2
mapped.flush()
print(f"power: {power!r}")
