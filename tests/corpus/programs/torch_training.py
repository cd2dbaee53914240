"""Train a small network with dropout, save it, load it, go on."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

X = torch.randn(256, 8)
y = (X[:, :2].sum(dim=1, keepdim=True) > 0).float()
loader = DataLoader(TensorDataset(X, y), batch_size=32, shuffle=True)
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
criterion = nn.BCEWithLogitsLoss()
for epoch in range(5):
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(f"loss: {total / len(loader)!r} (step {epoch})")
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt")
model.load_state_dict(torch.load("checkpoint.pt", weights_only=True)["model"])
model.eval()
print(f"accuracy: {((model(X) > 0).float() == y).float().mean().item()!r}")
