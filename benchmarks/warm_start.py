"""Warm start against cold start on Fashion-MNIST, with classes added over five rounds.

 python benchmarks/warm_start.py --data FOLDER [--images 200] [--size 32]

Every round has one class more. The cold start trains a new random backbone; the warm start pops the head of the last
round's model and goes on. Counted: the epochs until the warm start has the cold start's best val accuracy, and where
both end. Writes benchmarks/results/warm_start.md and .svg.
"""

import argparse
import csv
import datetime
import os
import platform
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, load

from curation.model.ancestor import make_backbone
from curation.model.pixels import Pixels
from curation.model.store import write_store
from curation.model.training import train
from curation.params import Params
from curation.params.loading import parse

RESULTS = Path(__file__).resolve().parent / "results"
ROUNDS = (6, 7, 8, 9, 10)  # classes


def main() -> None:
    """Run all rounds in a temporary folder, then write the table and the plot."""
    asked = _arguments()
    images, labels = load(asked.data)
    with tempfile.TemporaryDirectory(prefix="warm-start-") as folder:
        os.chdir(folder)
        splits = make_tables(images, labels, asked)
        rounds = run(splits, asked)
    report(rounds, asked)


def make_tables(images: np.ndarray, labels: np.ndarray, asked: argparse.Namespace) -> pd.DataFrame:
    """Some images of every class as files, their pixel store, and their splits."""
    rows = []
    for label in range(10):
        for number, place in enumerate(np.flatnonzero(labels == label)[: asked.images + asked.val]):
            path = Path(f"raw/{place}.png")
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(images[place]).save(path)
            split = "train" if number < asked.images else "val"
            rows.append((f"{place:032x}", str(path), f"class {label}", "", split, 0, False))
    frame = pd.DataFrame(rows, columns=["image_id", "path", "label", "subclass", "split", "turn", "small"])
    write_store(frame, Path("pixels"), Path("cache"), asked.size, settings(asked, 1, "").resize)
    return frame


def settings(asked: argparse.Namespace, epochs: int, base: str) -> Params:
    """The recipe, the same for both but for the number of epochs."""
    knobs = {"checks": False, "patience": 0}
    return parse(
        {
            "arch": asked.arch,
            "image_size": asked.size,
            "epochs": epochs,
            "base_model": base or "backbone",
            "train": knobs,
        }
    )


def run(splits: pd.DataFrame, asked: argparse.Namespace) -> list[dict[str, list[float]]]:
    """Val accuracy by epoch of the cold and the warm start, for every round."""
    pixels, parent, rounds = Pixels(Path("pixels")), "", []
    for classes in ROUNDS:
        part = splits[splits["label"].isin([f"class {number}" for number in range(classes)])]
        curves = {}
        for kind, epochs, base in (("cold", asked.cold, "backbone"), ("warm", asked.warm, parent)):
            if not base:
                continue
            params = settings(asked, epochs, base)
            make_backbone(params, Path("backbone"))
            out = Path(f"{kind}-{classes}")
            train(part, pixels, params, out, Path("report"))
            with Path("report/history.csv").open(encoding="utf-8") as file:
                curves[kind] = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
        parent = f"warm-{classes}" if "warm" in curves else f"cold-{classes}"
        rounds.append(curves)
    return rounds


def reached(curve: list[float], goal: float) -> int | None:
    """The first epoch (1 is the first) with at least that accuracy."""
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= goal), None)


def report(rounds: list[dict[str, list[float]]], asked: argparse.Namespace) -> None:
    """The table and the plot."""
    flags = " ".join(sys.argv[1:]).replace(str(asked.data), "FOLDER")
    today = datetime.datetime.now(tz=datetime.UTC)
    lines = [
        "# Warm start against cold start",
        "",
        f"{today:%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores. Fashion-MNIST at {asked.size} px,",
        f"{asked.images} train and {asked.val} val images a class,",
        f"{asked.arch}; `python benchmarks/warm_start.py {flags}`.",
        "",
        "| classes | cold: best | in epoch | warm: best | epoch with the cold start's best | share of its epochs |",
        "|---|---|---|---|---|---|",
    ]
    for classes, curves in zip(ROUNDS, rounds, strict=True):
        cold, warm = curves["cold"], curves.get("warm")
        best = reached(cold, max(cold))
        if warm is None:
            lines.append(f"| {classes} | {max(cold):.3f} | {best} | (the first model) | | |")
            continue
        epoch = reached(warm, max(cold))
        share = f"1/{best / epoch:.1f}" if epoch and best else "not reached"
        lines.append(f"| {classes} | {max(cold):.3f} | {best} | {max(warm):.3f} | {epoch} | {share} |")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "warm_start.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    figure = Figure(figsize=(12, 3), layout="constrained")
    for axes, classes, curves in zip(figure.subplots(1, len(ROUNDS), sharey=True), ROUNDS, rounds, strict=True):
        for kind, curve in curves.items():
            axes.plot(range(1, len(curve) + 1), curve, label=kind)
        axes.set(title=f"{classes} classes", xlabel="epoch")
        axes.legend()
    figure.savefig(RESULTS / "warm_start.svg", metadata={"Date": None})
    print("\n".join(lines))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of dataset-fashion-mnist")
    parser.add_argument("--images", type=int, default=200, help="train images a class")
    parser.add_argument("--val", type=int, default=100, help="val images a class")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--arch", default="resnet18")
    parser.add_argument("--cold", type=int, default=60, help="epochs of the cold start")
    parser.add_argument("--warm", type=int, default=20, help="epochs of the warm start")
    return parser.parse_args()


if __name__ == "__main__":
    main()
