"""Is a confidence of 0.9 worth its word? Fashion-MNIST with held-back labels, clean and with a fifth of them wrong.

    python benchmarks/calibration.py --data FOLDER --seeds 3

The network trains on noisy labels and is calibrated on noisy labels; precision is then counted on the true labels of
images that neither has seen. Writes benchmarks/results/calibration.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from curation.evaluation.calibration import Calibration

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, Probe, load

RESULTS = Path(__file__).parent / "results"
THRESHOLDS = (0.5, 0.7, 0.8, 0.9, 0.95)
PRECISIONS = (0.9, 0.95, 0.97, 0.98)


def main() -> None:
    """Train, calibrate, count; one table for each rate of noise."""
    asked = _arguments()
    images, labels = load(asked.data)
    lines = [
        "# Is a calibrated confidence worth its word?",
        "",
        f"Fashion-MNIST: {asked.train:,} images to train on, {asked.val:,} to calibrate on, {asked.pool:,}",
        "others whose true labels are held back; a CNN of 90,000 weights,",
        f"{asked.steps} steps, mean of {asked.seeds} seeds. With noise, labels of both training and",
        "calibration are flipped to a random other class. Made by `python benchmarks/calibration.py`.",
    ]
    for noise in (0.0, 0.2):
        worlds = [World(images, labels, noise, seed, asked) for seed in range(asked.seeds)]
        lines += ["", *section(noise, worlds)]
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "calibration.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
        print("\n".join(lines), flush=True)


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


def section(noise: float, worlds: list[World]) -> list[str]:
    """The tables of one rate of noise."""
    found = np.mean([world.calibration.label_noise for world in worlds])
    accuracy = np.mean([world.right.mean() for world in worlds])
    lines = [
        f"## {noise:.0%} of the labels wrong",
        "",
        f"Accuracy on true labels {accuracy:.3f}; label noise estimated at {found:.3f}.",
        "",
        "| threshold | precision stated | precision found | worst seed off by | coverage | found, raw softmax |",
        "|---|---|---|---|---|---|",
    ]
    for threshold in THRESHOLDS:
        stated = [world.calibration.expected(threshold).precision for world in worlds]
        real = [world.right[world.sure >= threshold].mean() for world in worlds]
        cover = np.mean([(world.sure >= threshold).mean() for world in worlds])
        raw = np.mean([world.right[world.raw >= threshold].mean() for world in worlds])
        worst = max(abs(a - b) for a, b in zip(stated, real, strict=True))
        row = (np.mean(stated), np.mean(real), worst, cover, raw)
        lines.append(f"| {threshold} | " + " | ".join(f"{value:.3f}" for value in row) + " |")
    lines += ["", "| precision wanted | coverage, calibrated | coverage, raw softmax |", "|---|---|---|"]
    for wanted in PRECISIONS:
        ours, raw = (np.mean([coverage(one, world.right, wanted) for one, world in pairs]) for pairs in _pairs(worlds))
        lines.append(f"| {wanted} | {ours:.3f} | {raw:.3f} |")
    return lines


def coverage(sure: np.ndarray, right: np.ndarray, precision: float) -> float:
    """The largest share of images, surest first, of which `precision` are right."""
    rates = np.cumsum(right[np.argsort(-sure, kind="stable")]) / np.arange(1, len(right) + 1)
    reached = np.flatnonzero(rates >= precision)
    return (reached[-1] + 1) / len(right) if len(reached) else 0.0


def _pairs(worlds: list[World]) -> list[list[tuple[np.ndarray, World]]]:
    return [[(world.sure, world) for world in worlds], [(world.raw, world) for world in worlds]]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train", type=int, default=5_000)
    parser.add_argument("--val", type=int, default=2_000)
    parser.add_argument("--pool", type=int, default=5_000)
    parser.add_argument("--steps", type=int, default=400)
    return parser.parse_args()


if __name__ == "__main__":
    main()
