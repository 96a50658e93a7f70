"""Fashion-MNIST and a small network, for the benchmarks of this folder.

The images are those of Debian's package dataset-fashion-mnist (its folder is named by `--data`); the network is a plain
three-layer CNN of 90,000 weights that trains in seconds on a CPU, so that what is measured is the method, not the
backbone.
"""

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

NAMES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
USUAL = Path("/usr/share/datasets/fashion-mnist")


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """All 70,000 images, uint8 [n, 28, 28], and labels [n], the training part first; where there are none, skip."""
    if not (folder / "train-images-idx3-ubyte.gz").exists():
        print(f"skipped: no Fashion-MNIST in {folder}. apt-get install dataset-fashion-mnist, or name --data FOLDER")
        raise SystemExit
    images, labels = [], []
    for part in ("train", "t10k"):
        with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
            images.append(np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28))
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
            labels.append(np.frombuffer(file.read(), np.uint8, offset=8).astype(int))
    return np.concatenate(images), np.concatenate(labels)


class Probe:
    """A small CNN: `fit` trains it from scratch, `score` gives logits and embeddings (128 wide)."""

    def __init__(self, classes: int, seed: int, channels: int = 1) -> None:
        import torch
        from torch import nn

        torch.manual_seed(seed)
        self.body = nn.Sequential(
            nn.Conv2d(channels, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(48, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(3),
            nn.Flatten(), nn.Linear(576, 128), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(128, classes)
        self.seed = seed

    def fit(
        self, images: np.ndarray, labels: np.ndarray, steps: int, batch: int = 64, smoothing: float = 0.0
    ) -> "Probe":
        """Train for a number of steps with AdamW, one-cycle learning rate and mirrored images."""
        import torch
        from torch import nn

        modules = nn.ModuleList([self.body, self.head]).train()
        optimizer = torch.optim.AdamW(modules.parameters(), lr=2e-3, weight_decay=0.02)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        loss_of = nn.CrossEntropyLoss(label_smoothing=smoothing)
        rng = np.random.default_rng(self.seed)
        for _ in range(steps):
            rows = rng.integers(0, len(images), batch)
            pixels = _tensor(images[rows])
            mirrored = torch.from_numpy(rng.random(batch) < 0.5)
            pixels[mirrored] = pixels[mirrored].flip(3)
            optimizer.zero_grad()
            loss_of(self.head(self.body(pixels)), torch.from_numpy(labels[rows])).backward()
            optimizer.step()
            schedule.step()
        return self

    def score(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits float32 [n, c] and embeddings float32 [n, 128]."""
        import torch

        self.body.eval()
        logits, embeddings = [], []
        with torch.inference_mode():
            for start in range(0, len(images), 1000):
                features = self.body(_tensor(images[start : start + 1000]))
                logits.append(self.head(features).numpy())
                embeddings.append(features.numpy())
        return np.concatenate(logits), np.concatenate(embeddings)


def _tensor(images: np.ndarray) -> "torch.Tensor":
    import torch

    planes = torch.from_numpy(images)
    return (planes.permute(0, 3, 1, 2) if planes.ndim == 4 else planes.unsqueeze(1)).float() / 127.5 - 1
