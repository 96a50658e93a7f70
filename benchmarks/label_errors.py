"""Count the label errors planted in Fashion-MNIST that the head of the queue holds, beside cleanlab's order.

    python benchmarks/label_errors.py --data FOLDER --images 4000 --seeds 11 12

FOLDER holds the four files of Fashion-MNIST (Debian: dataset-fashion-mnist). A small network learns the flipped labels
of the train part and gives embeddings, as a round of the pipeline would. The gain: a second regression on the
embeddings, with what the queue's first tenth suggests, against the flipped and the true labels, on the clean test set.
"""
# ruff: noqa: ANN001, ANN201, D103

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
import torch
from cleanlab.rank import get_label_quality_scores
from fashion import USUAL
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from torch import nn

from curation.evaluation.clusters import reduce
from curation.evaluation.evidence import Subjects
from curation.evaluation.label_errors import verdicts
from curation.evaluation.neighbours import unit

LOOK_ALIKE = {0: [6, 3], 1: [3], 2: [4, 6], 3: [0, 4], 4: [2, 6], 5: [7], 6: [0, 2, 4], 7: [5, 9], 9: [7]}
RESULTS = Path("benchmarks/results/label_errors.md")


def load(folder, name):
    pixels = gzip.decompress((folder / f"{name}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((folder / f"{name}-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(pixels, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8, offset=8)


def flip(truth, rate, kind, rng):
    given = truth.copy()
    able = np.flatnonzero(np.isin(truth, list(LOOK_ALIKE))) if kind == "look-alike" else np.arange(len(truth))
    for row in rng.choice(able, round(rate * len(truth)), replace=False):
        others = LOOK_ALIKE[truth[row]] if kind == "look-alike" else [name for name in range(10) if name != truth[row]]
        given[row] = rng.choice(others)
    return given


def network():
    layers = []
    for inside, outside, pool in ((1, 32, True), (32, 64, True), (64, 128, False)):
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)


def learn(pixels, labels, seed, epochs):
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
    return body.eval()


def embed(body, pixels):
    images = torch.tensor(pixels[:, None]).float() / 255 - 0.3
    with torch.inference_mode():
        return torch.cat([body(images[start : start + 500]) for start in range(0, len(images), 500)]).numpy()


def gain(learnt, test, truth, given, mended):
    """Test accuracy of a regression with flipped, mended and true labels."""
    vectors, asked = learnt
    models = [LogisticRegression(C=1.0, max_iter=500).fit(vectors, labels) for labels in (given, mended, truth)]
    return [model.score(asked, test) for model in models]


def once(folder, count, rate, kind, seed, epochs):
    rng = np.random.default_rng(seed)
    pixels, truth = load(folder, "train")
    rows = rng.choice(len(pixels), count, replace=False)
    pixels, truth = pixels[rows], truth[rows].astype(np.int64)
    given = flip(truth, rate, kind, rng)
    learnt = rng.random(count) < 0.7
    body = learn(pixels[learnt], given[learnt], seed, epochs)
    vectors = embed(body, pixels)
    pictures = pixels.reshape(count, 14, 2, 14, 2).mean((2, 4)).reshape(count, -1).astype(np.float32)
    subjects = Subjects(reduce(unit(vectors), 64, 0), reduce(pictures, 64, 0), given, np.arange(count), 10)
    start = time.perf_counter()
    found = verdicts(subjects, learnt)
    seconds = time.perf_counter() - start
    flipped, order = given != truth, np.argsort(-found.wrong, kind="stable")
    first = order[: count // 10]
    alone = 1 - get_label_quality_scores(given, found.likely)
    accepted = first[found.wrong[first] >= 0.5]
    mended = given.copy()
    mended[accepted] = found.suggested[accepted]
    test_pixels, test = load(folder, "t10k")
    both = [unit(embed(body, part)) * 4 for part in (pixels, test_pixels)]
    accuracies = gain(both, test, truth, given, mended)
    return {
        "held": flipped[first].sum() / flipped.sum(),
        "ap": average_precision_score(flipped, found.wrong),
        "cleanlab": average_precision_score(flipped, alone),
        "suggested": (found.suggested == truth)[flipped].mean(),
        "labels": ((given == truth).mean(), (mended == truth).mean()),
        "accuracies": accuracies,
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12])
    chosen = parser.parse_args()
    lines = [
        f"{chosen.images:,} images of Fashion-MNIST, {chosen.epochs} epochs of a small network.",
        "AP of cleanlab is on the same probabilities. Labels right: before and after.",
        "Accuracies: with flipped, mended and true labels.",
        "",
        "| flips | rate | seed | first 10 % hold | AP | AP of cleanlab | suggestion | labels right | accuracies | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for kind in ("random", "look-alike"):
        for rate in (0.05, 0.1):
            for seed in chosen.seeds:
                one = once(chosen.data, chosen.images, rate, kind, seed, chosen.epochs)
                marks = ", ".join(f"{value:.3f}" for value in one["accuracies"])
                labels = ", ".join(f"{value:.3f}" for value in one["labels"])
                lines.append(
                    f"| {kind} | {rate:.0%} | {seed} | {one['held']:.3f} | {one['ap']:.3f} | {one['cleanlab']:.3f} "
                    f"| {one['suggested']:.3f} | {labels} | {marks} | {one['seconds']:.1f} |"
                )
                print(lines[-1], flush=True)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
