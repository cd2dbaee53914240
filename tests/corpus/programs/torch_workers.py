"""A data loader whose two workers augment with three kinds of randomness."""

import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Noisy(Dataset):
    def __len__(self):
        return 16

    def __getitem__(self, index):
        return torch.tensor([random.random(), np.random.rand(), np.random.default_rng().random(), torch.rand(1).item()])


if __name__ == "__main__":
    drawn = torch.cat(list(DataLoader(Noisy(), batch_size=4, shuffle=True, num_workers=2)))
    print(f"distinct: {len(set(drawn.flatten().tolist()))}")
    print(f"mean: {drawn.mean().item()!r}")
    torch.save(drawn, "drawn.pt")
