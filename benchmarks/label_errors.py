"""Count the label errors planted in Fashion-MNIST that the head of the queue holds, beside cleanlab's order.

    python benchmarks/label_errors.py --data FOLDER --images 4000 --seeds 11 12

FOLDER holds the four files of Fashion-MNIST (Debian: dataset-fashion-mnist). A small network learns the flipped labels
of the train part and gives embeddings, as a round of the pipeline would. What a round of review is then worth:
review_round.py.
"""
# ruff: noqa: D103

import argparse
import gzip
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cleanlab.rank import get_label_quality_scores
from fashion import USUAL
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from tables import Table, write_page
from torch import nn

from curation.evaluation.label_errors.label_error_probability import verdicts
from curation.evaluation.label_errors.pred_probs import Samples
from curation.evaluation.neighbours import unit
from curation.evaluation.queue.error_clusters import reduce

LOOK_ALIKE = {0: [6, 3], 1: [3], 2: [4, 6], 3: [0, 4], 4: [2, 6], 5: [7], 6: [0, 2, 4], 7: [5, 9], 9: [7]}
HEADER = ["flips", "rate", "seed", "first 10 % hold", "AP", "AP of cleanlab"]
HEADER += ["right suggestion", "labels right before", "after", "s"]
Array = NDArray[Any]
NOTES = """AP of cleanlab: its label quality score (self-confidence) alone, on the same probabilities. Right after:
the suggestions of the first tenth accepted where the label is more likely wrong than right. Wanted at 5 %: 0.9 of the
random and 0.8 of the look-alike flips in the first 10 %, and an AP at least cleanlab's."""


def load(folder: Path, name: str) -> tuple[Array, Array]:
    pixels = gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def flip(truth: Array, rate: float, kind: str, rng: np.random.Generator) -> Array:
    given = truth.copy()
    able = np.flatnonzero(np.isin(truth, list(LOOK_ALIKE))) if kind == "look-alike" else np.arange(len(truth))
    for row in rng.choice(able, round(rate * len(truth)), replace=False):
        others = LOOK_ALIKE[truth[row]] if kind == "look-alike" else [name for name in range(10) if name != truth[row]]
        given[row] = rng.choice(others)
    return given


def network() -> nn.Sequential:
    layers: list[nn.Module] = []
    for inside, outside, pool in ((1, 32, True), (32, 64, True), (64, 128, False)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)


def learn(pixels: Array, labels: Array, seed: int, epochs: int) -> nn.Sequential:
    torch.manual_seed(seed)
    body, head = network(), nn.Linear(128, 10)
    model, rng = nn.Sequential(body, head), np.random.default_rng(seed)
    images, given = torch.tensor(pixels[:, None]).float() / 255 - 0.3, torch.tensor(labels.astype(np.int64))
    optimiser = torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.05)
    steps = epochs * (len(labels) // 64)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(labels))[: len(labels) // 64 * 64], len(labels) // 64):
            moved = torch.roll(images[batch], tuple(int(step) for step in rng.integers(-2, 3, 2)), (2, 3))
            optimiser.zero_grad()
            loss(model(moved.flip(3) if rng.random() < 0.5 else moved), given[batch]).backward()
            optimiser.step()
            schedule.step()
    model.eval()
    return model


def logits(model: nn.Module, pixels: Array) -> Array:
    images = torch.tensor(pixels[:, None]).float() / 255 - 0.3
    with torch.inference_mode():
        found = torch.cat([model(images[start : start + 500]) for start in range(0, len(images), 500)])
    return np.asarray(found)


def embed(model: nn.Sequential, pixels: Array) -> Array:
    return logits(model[0], pixels)


def subjects_of(vectors: Array, pixels: Array, given: Array) -> Samples:
    """What the stage cluster would make of embeddings and thumbnails."""
    pictures = pixels.reshape(len(pixels), 14, 2, 14, 2).mean((2, 4)).reshape(len(pixels), -1).astype(np.float32)
    return Samples(reduce(unit(vectors), 64, 0), reduce(pictures, 64, 0), given, np.arange(len(pixels)), 10)


def once(folder: Path, count: int, rate: float, kind: str, seed: int, epochs: int) -> list[float]:
    rng = np.random.default_rng(seed)
    pixels, truth = load(folder, "train")
    rows = rng.choice(len(pixels), count, replace=False)
    pixels, truth = pixels[rows], truth[rows].astype(np.int64)
    given = flip(truth, rate, kind, rng)
    learnt = rng.random(count) < 0.7
    subjects = subjects_of(embed(learn(pixels[learnt], given[learnt], seed, epochs), pixels), pixels, given)
    start = time.perf_counter()
    found = verdicts(subjects, learnt)
    seconds = time.perf_counter() - start
    flipped, order = given != truth, np.argsort(-found.wrong, kind="stable")
    first = order[: count // 10]
    alone = 1 - get_label_quality_scores(given, found.likely)
    accepted = first[found.wrong[first] >= 0.5]
    mended = given.copy()
    mended[accepted] = found.suggested[accepted]
    return [
        flipped[first].sum() / flipped.sum(),
        average_precision_score(flipped, found.wrong),
        average_precision_score(flipped, alone),
        (found.suggested == truth)[flipped].mean(),
        (given == truth).mean(),
        (mended == truth).mean(),
        seconds,
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    chosen = parser.parse_args()
    rows = []
    for kind in ("random", "look-alike"):
        for rate in (0.05, 0.1):
            for seed in chosen.seeds:
                found = [float(figure) for figure in once(chosen.data, chosen.images, rate, kind, seed, chosen.epochs)]
                rows.append([kind, f"{rate:.0%}", seed, *found])
                print(rows[-1], flush=True)
    about = f"{chosen.images:,} images of Fashion-MNIST, {chosen.epochs} epochs of a small network."
    write_page("label_errors", "Label errors found by the queue", about, [Table(HEADER, rows)], NOTES)


if __name__ == "__main__":
    main()
