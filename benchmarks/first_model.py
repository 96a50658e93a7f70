"""The first model beside the plain three-convolution CNN of common tutorials, on the same images in the same time.

    python benchmarks/first_model.py --data FOLDER [--images 6500] [--epochs 8] [--arch resnet18] [--stem half]

Fashion-MNIST at 32 pixels. Our stage trains from a random backbone; the plain CNN (32-64-64 filters, a dense layer of
64, Adam, no augmentation) then gets the same number of seconds. Both keep their best epoch on val; what is compared is
test. Writes benchmarks/results/first_model.md.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

sys.path.insert(0, str(Path(__file__).parent))
from fashion import NAMES, USUAL, load
from project import write_project
from tables import Table, write_page

from curation.images.store.pixels import Pixels
from curation.model.base_model import make_backbone
from curation.model.scorer import Scorer
from curation.model.training.train_candidate import train
from curation.params.loading import parse

SIZE, VAL, TEST = 32, 1500, 2000


def main() -> None:
    """Train both, write the table."""
    asked = _arguments()
    images, labels = load(asked.data)
    with tempfile.TemporaryDirectory(prefix="first-model-") as folder:
        os.chdir(folder)
        splits, pixels = make_tables(images, labels, asked.images)
        ours, seconds = run_ours(splits, pixels, asked)
        plain, epochs = run_plain(splits, pixels, seconds)
    report((ours, plain), seconds, epochs, asked)


def make_tables(images: np.ndarray, labels: np.ndarray, count: int) -> tuple[pd.DataFrame, Pixels]:
    """Files, pixel store and splits of a random part of the images."""
    places = np.random.default_rng(0).permutation(len(images))[: count + VAL + TEST]
    sides = ["train"] * count + ["val"] * VAL + ["test"] * TEST
    return write_project(list(images[places]), [NAMES[label] for label in labels[places]], sides, SIZE)


def run_ours(splits: pd.DataFrame, pixels: Pixels, asked: argparse.Namespace) -> tuple[float, float]:
    """Test accuracy and seconds of our first model, checks and backbone included."""
    facts = {"arch": asked.arch, "image_size": SIZE, "epochs": asked.epochs, "base_model": "backbone"}
    params = parse({**facts, "backbone": {"stem": asked.stem}})
    begun = time.perf_counter()
    make_backbone(params, Path("backbone"))
    train(splits, pixels, params, Path("candidate"), Path("report"), Path("caches"))
    seconds = time.perf_counter() - begun
    test = splits[splits["split"] == "test"]
    scorer = Scorer(Path("candidate"))
    parts = np.array_split(pixels.rows(test["image_id"]), 10)
    answers = np.concatenate([scorer.score(pixels.batch(part)).logits.argmax(1) for part in parts])
    right = np.array(scorer.header.classes)[answers] == test["label"].to_numpy(dtype=str)
    return float(right.mean()), seconds


def run_plain(splits: pd.DataFrame, pixels: Pixels, seconds: float) -> tuple[float, int]:
    """Test accuracy of the plain CNN at its best epoch on val, and the epochs it had time for."""
    torch.manual_seed(0)
    classes = sorted(set(splits["label"]))
    sides = {}
    for side, part in splits.groupby("split"):
        x = torch.from_numpy(pixels.batch(pixels.rows(part["image_id"]))).permute(0, 3, 1, 2).float() / 255
        sides[side] = (x.contiguous(), torch.tensor([classes.index(label) for label in part["label"]]))
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 16, 64), nn.ReLU(), nn.Linear(64, len(classes)),
    )  # fmt: skip
    optimizer = torch.optim.Adam(model.parameters())
    x, y = sides["train"]
    begun, epochs, best = time.perf_counter(), 0, (0.0, 0.0)
    while time.perf_counter() - begun < seconds:
        for batch in torch.split(torch.randperm(len(y)), 32):
            loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        with torch.inference_mode():
            val, test = (float((model(x_).argmax(1) == y_).float().mean()) for x_, y_ in (sides["val"], sides["test"]))
        epochs, best = epochs + 1, max(best, (val, test))
    return best[1], epochs


def report(accuracies: tuple[float, float], seconds: float, epochs: int, asked: argparse.Namespace) -> None:
    """The page."""
    rows = [
        (f"{asked.arch}, {asked.stem} stem, `curation` train", asked.epochs, accuracies[0]),
        ("three convolutions (32-64-64), dense 64", epochs, accuracies[1]),
    ]
    about = (
        f"Fashion-MNIST at {SIZE} px, {asked.images:,} train, {VAL:,} val, {TEST:,} test images;\n"
        f"{seconds:.0f} s each, start and checks included for ours. `python benchmarks/first_model.py`"
    )
    write_page("first_model", "The first model", about, [Table(["model", "epochs", "test accuracy"], rows)])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of dataset-fashion-mnist")
    parser.add_argument("--images", type=int, default=6500, help="train images")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--stem", default="half")
    return parser.parse_args()


if __name__ == "__main__":
    main()
