"""Warm start against cold start on Fashion-MNIST, with a class added in each of five rounds.

    python benchmarks/warm_start.py [--data FOLDER] [--images 400] [--folder KEPT]

After a first model of five classes, every round has one class more. The cold start trains a new random backbone for
`--cold` epochs; the warm start pops the head of the last round's model and goes on for `--warm`, a sixth of them.
Counted: the epoch in which the warm start has the cold start's best val accuracy, and where both end. Both use the
parameters that params.yaml ships with and averaged weights, without which the best of many epochs is mostly luck;
`--set` changes them for the warm start alone. With `--folder`, finished trainings are kept there and not run again.
Writes benchmarks/results/warm_start.md and .svg.
"""

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parent))
from fashion import NAMES, USUAL, load
from project import write_project
from tables import RESULTS, Table, write_page

from curation.images.store.pixels import Pixels
from curation.model.base_model import make_backbone
from curation.model.training.train_candidate import train
from curation.params import Params
from curation.params.loading import parse

FIRST, ROUNDS, SIZE = 5, (6, 7, 8, 9, 10), 32  # classes of the first model, and of each round; pixels
Curve = list[float]


def main() -> None:
    """Run all rounds, then write the page and the plot."""
    asked = _arguments()
    images, labels = load(asked.data)
    with tempfile.TemporaryDirectory(prefix="warm-start-") as scratch:
        folder = (asked.folder or Path(scratch)).absolute()
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        splits, pixels = write_project(*choose(images, labels, asked), SIZE)
        rounds = run(splits, pixels, asked)
    report(rounds, asked)


def choose(
    images: np.ndarray, labels: np.ndarray, asked: argparse.Namespace
) -> tuple[list[np.ndarray], list[str], list[str]]:
    """Some images of every class, their labels, and the side that each stands on."""
    places = [np.flatnonzero(labels == label)[: asked.images + asked.val] for label in range(len(NAMES))]
    sides = ["train"] * asked.images + ["val"] * asked.val
    flat = np.concatenate(places)
    return list(images[flat]), [NAMES[label] for label in labels[flat]], sides * len(NAMES)


def settings(asked: argparse.Namespace, epochs: int, base: str, more: dict[str, Any]) -> Params:
    """The recipe, the same for both but for the number of epochs and what `more` says."""
    own = dict(more)
    train_block = {"checks": False, "patience": 0, "ema": 0.99, **own.pop("train", {})}
    hot = {"arch": asked.arch, "image_size": SIZE, "epochs": epochs, "base_model": base, **own}
    return parse({**hot, "train": train_block, "backbone": {"stem": asked.stem}})


def run(splits: pd.DataFrame, pixels: Pixels, asked: argparse.Namespace) -> dict[int, dict[str, Curve]]:
    """Val accuracy by epoch of the cold and the warm start, for every round."""
    make_backbone(settings(asked, 1, "", {}), Path("backbone"))
    rounds: dict[int, dict[str, Curve]] = {}
    curve_of(f"cold-{FIRST}", first(splits, FIRST), pixels, settings(asked, asked.cold, "backbone", {}))
    parent = f"cold-{FIRST}"
    for classes in ROUNDS:
        part = first(splits, classes)
        cold = curve_of(f"cold-{classes}", part, pixels, settings(asked, asked.cold, "backbone", {}))
        name = f"warm{asked.name}-{classes}"
        warm = curve_of(name, part, pixels, settings(asked, asked.warm, parent, given(asked.set)))
        parent, rounds[classes] = name, {"cold": cold, "warm": warm}
    return rounds


def first(splits: pd.DataFrame, classes: int) -> pd.DataFrame:
    """The rows of the first classes."""
    return splits[splits["label"].isin(NAMES[:classes])]


def curve_of(name: str, splits: pd.DataFrame, pixels: Pixels, params: Params) -> Curve:
    """Val accuracy by epoch of a training, whose model is written to `name`; from disk where it was finished."""
    history = Path(f"{name}.report/history.csv")
    if not Path(name).exists():
        train(splits, pixels, params, Path(name), history.parent, Path("caches"))
    with history.open(encoding="utf-8") as file:
        return [float(row["val_accuracy"]) for row in csv.DictReader(file)]


def given(words: list[str]) -> dict[str, Any]:
    """Parameters from words like `lr=0.001 train.ema=0.99`."""
    found: dict[str, Any] = {}
    for word in words:
        key, _, value = word.partition("=")
        block, _, name = key.rpartition(".")
        kind = float if any(sign in value for sign in ".e") and not value.isalpha() else int if value.isdigit() else str
        (found.setdefault(block, {}) if block else found)[name] = kind(value)
    return found


def reached(curve: Curve, goal: float) -> int | None:
    """The first epoch (1 is the first) with at least that accuracy."""
    return next((epoch for epoch, value in enumerate(curve, 1) if value >= goal), None)


def report(rounds: dict[int, dict[str, Curve]], asked: argparse.Namespace) -> None:
    """The page and the plot."""
    rows: list[list[object]] = []
    for classes, curves in rounds.items():
        cold, warm = curves["cold"], curves["warm"]
        best, epoch = reached(cold, max(cold)), reached(warm, max(cold))
        share = f"1/{best / epoch:.1f}" if epoch and best else "not reached"
        rows.append([classes, max(cold), best, max(warm), epoch, share, cold[-1], warm[-1]])
    header = ["classes", "cold: best", "in epoch", "warm: best", "has the cold start's best in epoch"]
    header += ["share of its epochs", "cold: last", "warm: last"]
    changed = f" with {' '.join(asked.set)}" if asked.set else ""
    about = (
        f"Fashion-MNIST at {SIZE} px, {asked.images} train and {asked.val} val images a class, {asked.arch}\n"
        f"({asked.stem} stem); {asked.cold} epochs cold, {asked.warm} warm{changed}.\n"
        "`python benchmarks/warm_start.py`"
    )
    good = sum(bool(row[4]) and 6 * int(str(row[4])) <= int(str(row[2])) for row in rows)
    higher = sum(max(curves["warm"]) >= max(curves["cold"]) for curves in rounds.values())
    notes = (
        f"In {good} of {len(rows)} rounds the warm start has the cold start's best val accuracy in at most a sixth of\n"
        f"its epochs; in {higher} it ends at least as high. ![Val accuracy by epoch](warm_start.svg)"
    )
    write_page("warm_start", "Warm start against cold start", about, [Table(header, rows)], notes)
    plot(rounds).savefig(RESULTS / "warm_start.svg", metadata={"Date": None})


def plot(rounds: dict[int, dict[str, Curve]]) -> Figure:
    """Val accuracy by epoch, one picture a round."""
    figure = Figure(figsize=(14, 3), layout="constrained")
    for axes, (classes, curves) in zip(figure.subplots(1, len(rounds), sharey=True), rounds.items(), strict=True):
        for kind, curve in curves.items():
            axes.plot(range(1, len(curve) + 1), curve, label=kind)
        axes.axhline(max(curves["cold"]), color="grey", linewidth=0.5)
        axes.set(title=f"{classes} classes", xlabel="epoch", ylim=(0.5, 1))
        axes.legend()
    return figure


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=USUAL, help="folder of dataset-fashion-mnist")
    parser.add_argument("--images", type=int, default=400, help="train images a class")
    parser.add_argument("--val", type=int, default=150, help="val images a class")
    parser.add_argument("--arch", default="shufflenet_v2_x0_5")
    parser.add_argument("--stem", default="standard")
    parser.add_argument("--cold", type=int, default=60, help="epochs of the cold start")
    parser.add_argument("--warm", type=int, default=10, help="epochs of the warm start")
    parser.add_argument("--set", nargs="*", default=[], help="of the warm start, e.g. lr=0.0005 train.ema=0.99")
    parser.add_argument("--name", default="", help="with --folder: tells warm starts of other parameters apart")
    parser.add_argument("--folder", type=Path, help="where finished trainings are kept")
    return parser.parse_args()


if __name__ == "__main__":
    main()
