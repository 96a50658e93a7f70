"""`curate next` against random choice on Fashion-MNIST: accuracy by number of labels, from 200 to 2,000, over seeds.

    python benchmarks/active_learning.py --data FOLDER --seeds 3

Each round trains the small network of fashion.py from scratch on the labels so far and scores the pool; the strategy
under test (curation.pool.acquisition, what `curate next` calls) picks the next ones. Writes
benchmarks/results/active_learning.md and .png.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

from curation.pool.acquisition import Pool, choose
from curation.predict.calibration import Calibration
from curation.predict.ood import unit

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, Probe, load

RESULTS = Path(__file__).parent / "results"
FIRST, LAST = 200, 2_000
TOP = 5


def main() -> None:
    """Run every strategy and seed that is not in the results yet; then draw."""
    asked = _arguments()
    images, labels = load(asked.data)
    curves: dict[str, dict[str, list[list[float]]]] = {}
    store = RESULTS / "active_learning.json"
    if store.exists():
        curves = json.loads(store.read_text(encoding="utf-8"))
    for seed in range(asked.seeds):
        todo = [strategy for strategy in asked.strategies if str(seed) not in curves.get(strategy, {})]
        if not todo:
            continue
        world = Round(images, labels, seed, asked)
        for strategy in todo:
            curves.setdefault(strategy, {})[str(seed)] = world.run(strategy)
            store.parent.mkdir(exist_ok=True)
            store.write_text(json.dumps(curves, indent=1) + "\n", encoding="utf-8")
    report(curves, asked)


class Round:
    """One seed: its test images, its pool, the same random start for every strategy."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, seed: int, asked: argparse.Namespace) -> None:
        order = np.random.default_rng(seed).permutation(len(images))
        self.images, self.labels, self.seed, self.asked = images, labels, seed, asked
        self.test, self.pool = order[: asked.test], order[asked.test : asked.test + asked.pool]
        self.start = self.train(list(self.pool[:FIRST]))

    def train(self, chosen: list[int]) -> tuple[Probe, float]:
        """Train from scratch on what is labelled; the model and its accuracy."""
        model = Probe(10, self.seed).fit(self.images[chosen], self.labels[chosen], self.asked.steps)
        found = model.score(self.images[self.test])[0].argmax(1)
        return model, float((found == self.labels[self.test]).mean())

    def run(self, strategy: str) -> list[list[float]]:
        """The rounds of one strategy: [[labels, accuracy], ...]."""
        chosen = list(self.pool[:FIRST])
        model, accuracy = self.start
        curve = [[len(chosen), accuracy]]
        last = LAST if strategy == "random" else self.asked.stop
        step = 900 if strategy == "random" else self.asked.step  # for random choice, rounds change nothing
        while len(chosen) < last:
            began = time.time()
            left = np.setdiff1d(self.pool, chosen)
            chosen += list(left[self.pick(model, left, chosen, strategy, min(step, last - len(chosen)))])
            model, accuracy = self.train(chosen)
            curve.append([len(chosen), accuracy])
            took = time.time() - began
            print(f"{strategy} seed {self.seed}: {len(chosen)} labels, {accuracy:.4f} ({took:.0f} s)", flush=True)
        return curve

    def pick(self, model: Probe, left: np.ndarray, chosen: list[int], strategy: str, count: int) -> np.ndarray:
        """Score the pool and choose, as `curate next` does."""
        if strategy == "random":
            return np.random.default_rng([self.seed, len(chosen)]).permutation(len(left))[:count]
        logits, embeddings = model.score(self.images[left])
        sure = Calibration(tuple("0123456789")).probabilities(logits)
        order = np.argsort(-sure, axis=1)[:, :TOP]
        known = unit(model.score(self.images[np.asarray(chosen)])[1])
        pool = Pool(unit(embeddings), np.take_along_axis(sure, order, 1), order, known)
        return choose(pool, count, strategy, self.seed)


def report(curves: dict[str, dict[str, list[list[float]]]], asked: argparse.Namespace) -> None:
    """Draw the curves and say with how many labels each strategy reaches what random reaches with all."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    target = float(np.mean([curve[-1][1] for curve in curves["random"].values()]))
    lines = [
        "# What to label next: `curate next` against random choice",
        "",
        f"Fashion-MNIST, a pool of {asked.pool:,} images, {FIRST} random labels to start with,",
        f"{asked.step} more each round, a CNN of 90,000 weights trained from scratch for {asked.steps} steps,",
        f"{asked.test:,} test images, mean of {len(curves['random'])} seeds.",
        "Made by `python benchmarks/active_learning.py` on a CPU. The strategies see",
        "what `curate next` sees: embeddings and the top five probabilities.",
        "",
        f"Random choice reaches {target:.4f} with {LAST:,} labels.",
        "",
        "| strategy | labels that reach it | accuracy there | accuracy by labels |",
        "|---|---|---|---|",
    ]
    figure, axis = plt.subplots(figsize=(7, 4.5))
    for strategy, seeds in curves.items():
        counts, mean = mean_curve(list(seeds.values()))
        reached = next(
            (f"{n:,}" for n, value in zip(counts, mean, strict=True) if value >= target - 1e-9), "not reached"
        )
        there = next((f"{value:.4f}" for value in mean if value >= target - 1e-9), "")
        shown = ", ".join(f"{n:,}: {value:.3f}" for n, value in zip(counts, mean, strict=True))
        lines.append(f"| {strategy} ({len(seeds)} seeds) | {reached} | {there} | {shown} |")
        axis.plot(counts, mean, marker="o", ms=3, label=strategy)
    axis.axhline(target, color="grey", lw=0.8, ls="--")
    axis.axvline(1200, color="grey", lw=0.8, ls=":")
    axis.set(xlabel="labels", ylabel="test accuracy", title="Fashion-MNIST: what to label next")
    axis.legend()
    figure.tight_layout()
    figure.savefig(RESULTS / "active_learning.png", dpi=110)
    text = "\n".join([*lines, "", "![accuracy by labels](active_learning.png)", ""])
    (RESULTS / "active_learning.md").write_text(text, encoding="utf-8")
    print(text)


def mean_curve(curves: list[list[list[float]]]) -> tuple[list[int], list[float]]:
    """The mean over seeds, at the numbers of labels that all of them have."""
    common = sorted(set.intersection(*({int(n) for n, _ in curve} for curve in curves)))
    tables = [{int(n): value for n, value in curve} for curve in curves]
    return common, [float(np.mean([table[n] for table in tables])) for n in common]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--strategies", nargs="+", default=["random", "margin", "badge", "typicality"])
    parser.add_argument("--pool", type=int, default=10_000)
    parser.add_argument("--test", type=int, default=4_000)
    parser.add_argument("--step", type=int, default=200)
    parser.add_argument("--steps", type=int, default=300, help="training steps a round")
    parser.add_argument("--stop", type=int, default=LAST, help="labels at which a strategy stops")
    return parser.parse_args()


if __name__ == "__main__":
    main()
