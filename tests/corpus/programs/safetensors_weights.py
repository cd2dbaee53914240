"""Weights as safetensors, by native code."""

import torch
from safetensors.torch import load_file, save_file

save_file({"weight": torch.randn(4, 4), "bias": torch.zeros(4)}, "weights.safetensors")
print(f"norm: {load_file('weights.safetensors')['weight'].norm().item()!r}")
