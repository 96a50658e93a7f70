"""Is a confidence of 0.9 worth its word? Fashion-MNIST with held-back labels, clean and with a fifth of them wrong.

    python benchmarks/calibration.py --data FOLDER --seeds 3

The network trains on noisy labels and is calibrated on noisy labels; precision is then counted on the true labels of
images that neither has seen. Writes benchmarks/results/calibration.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from curation.predict.calibration import Calibration

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, Probe, load
from tables import Table, write_page

THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)
PRECISIONS = (0.9, 0.95, 0.97, 0.98)


def main() -> None:
    """Train, calibrate, count; two tables for each rate of noise."""
    asked = _arguments()
    images, labels = load(asked.data)
    tables = []
    for noise in (0.0, 0.2):
        tables += section(noise, [World(images, labels, noise, seed, asked) for seed in range(asked.seeds)])
    about = (
        f"Fashion-MNIST: {asked.train:,} images to train on, {asked.val:,} to calibrate on, {asked.pool:,} others "
        f"whose true labels are held back; a CNN of 90,000 weights, {asked.steps} steps, mean of {asked.seeds} seeds. "
        "With noise, labels of both training and calibration are flipped to a random other class. Made by "
        "`python benchmarks/calibration.py`."
    )
    write_page("calibration", "Is a calibrated confidence worth its word?", about, tables)


class World:
    """One seed: a trained network, its calibration, and confidences on images whose truth is known to us alone."""

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, noise: float, seed: int, asked: argparse.Namespace
    ) -> None:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(images))
        train, val, pool = np.split(
            order[: asked.train + asked.val + asked.pool], [asked.train, asked.train + asked.val]
        )
        wrong = rng.random(len(labels)) < noise
        given = np.where(wrong, (labels + rng.integers(1, 10, len(labels))) % 10, labels)
        model = Probe(10, seed).fit(images[train], given[train], asked.steps)
        self.calibration = Calibration.fit(model.score(images[val])[0], given[val])
        logits = model.score(images[pool])[0]
        self.right = logits.argmax(1) == labels[pool]
        self.sure = self.calibration.probabilities(logits).max(1)
        self.raw = Calibration(tuple("0123456789")).probabilities(logits).max(1)


def section(noise: float, worlds: list[World]) -> list[Table]:
    """The tables of one rate of noise: is the precision as stated, and what coverage is left."""
    found = np.mean([world.calibration.label_noise for world in worlds])
    accuracy = np.mean([world.right.mean() for world in worlds])
    rows = []
    for threshold in THRESHOLDS:
        stated = [world.calibration.expected(threshold).precision for world in worlds]
        real = [world.right[world.sure >= threshold].mean() for world in worlds]
        cover = np.mean([(world.sure >= threshold).mean() for world in worlds])
        raw = np.mean([world.right[world.raw >= threshold].mean() for world in worlds])
        worst = max(abs(a - b) for a, b in zip(stated, real, strict=True))
        rows.append([str(threshold), *map(float, (np.mean(stated), np.mean(real), worst, cover, raw))])
    header = ["threshold", "precision stated", "precision found", "worst seed off by", "coverage", "found, raw softmax"]
    title = (
        f"**{noise:.0%} of the labels wrong.** Accuracy on true labels {accuracy:.3f}; noise estimated at {found:.3f}."
    )
    return [Table(header, rows, title), coverages(worlds)]


def coverages(worlds: list[World]) -> Table:
    """At the same precision, the share of the images above the threshold: ours, and that of raw softmax."""
    rows = []
    for wanted in PRECISIONS:
        ours = np.array([coverage(world.sure, world.right, wanted) for world in worlds])
        raw = np.array([coverage(world.raw, world.right, wanted) for world in worlds])
        lowest = float((ours - raw).min())
        rows.append([str(wanted), float(ours.mean()), float(raw.mean()), f"{lowest:+.3f}"])
    header = ["precision wanted", "coverage, calibrated", "coverage, raw softmax", "difference in the worst seed"]
    return Table(header, rows)


def coverage(sure: np.ndarray, right: np.ndarray, precision: float) -> float:
    """The largest share of images, surest first, of which `precision` are right."""
    rates = np.cumsum(right[np.argsort(-sure, kind="stable")]) / np.arange(1, len(right) + 1)
    reached = np.flatnonzero(rates >= precision)
    return (reached[-1] + 1) / len(right) if len(reached) else 0.0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--train", type=int, default=5_000)
    parser.add_argument("--val", type=int, default=2_000)
    parser.add_argument("--pool", type=int, default=5_000)
    parser.add_argument("--steps", type=int, default=400)
    return parser.parse_args()


if __name__ == "__main__":
    main()
