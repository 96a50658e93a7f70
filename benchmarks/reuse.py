"""Hold the stated optimism of a used benchmark, and the interval of the change over versions, against a simulation.

    python benchmarks/reuse.py --draws 400

Best of k: k equally good models are measured on the same images, and the one that measures best is taken. Rounds: each
candidate is as good as production, and becomes production when the real gate has no objection and can tell. Chain: in
each round the model changes on a tenth of the images; the changes of all rounds are added up with their interval.
"""

import argparse

import numpy as np
import pandas as pd
from gate import RULES
from numpy.typing import NDArray
from tables import Table, write_page

from curation.evaluation.comparison.paired import against
from curation.evaluation.comparison.promotion_gate import judge
from curation.evaluation.uncertainty.best_of import optimism
from curation.registry.version_chain import START

ACCURACY, CHANGED = 0.9, 0.1
Flags = NDArray[np.bool_]


def successor(right: Flags, gain: float, rng: np.random.Generator) -> Flags:
    """Where the next model is right: it loses (CHANGED - gain) / 2 of all images, and wins (CHANGED + gain) / 2."""
    lose = (CHANGED - gain) / 2 / ACCURACY
    win = (CHANGED + gain) / 2 / (1 - ACCURACY)
    number = rng.random(len(right))
    return np.where(right, number >= lose, number < win)


def best_of_k(count: int, tries: int, draws: int) -> list[object]:
    """The mean by which the best of `tries` models on `count` images looks too good, against what is stated."""
    rng = np.random.default_rng([count, tries])
    shared = CHANGED / 2  # each model is wrong on its own on a part of the images, the rest is alike
    over = []
    for _ in range(draws):
        hard = rng.random(count) < 1 - ACCURACY - shared / (1 - shared)
        own = rng.random((tries, count)) < shared / (1 - shared)
        right = ~hard & ~own
        truth = 1 - (1 - (1 - shared / (1 - shared)) * (1 - hard.mean()))
        over.append(right.mean(axis=1).max() - truth)
    return [count, tries, f"{100 * np.mean(over):+.2f}", f"{100 * optimism([ACCURACY] * tries, count):+.2f}"]


def gated(count: int, rounds: int, draws: int) -> list[object]:
    """The same after `rounds` candidates, each as good as production, that went through the gate."""
    rng = np.random.default_rng([count, rounds, 7])
    labels = np.repeat([f"c{number}" for number in range(10)], count // 10)
    names = [f"c{number}" for number in range(10)]
    over, promoted = [], 0
    for _ in range(draws):
        right = rng.random(count) < ACCURACY
        begin = right.mean()
        for _ in range(rounds):
            new = successor(right, 0.0, rng)
            told = {"predicted": np.where(new, labels, "x"), "base_predicted": np.where(right, labels, "x")}
            frame = pd.DataFrame({"label": labels, **told, "split": "benchmark", "benchmark_set": "frozen"})
            frame["image_id"] = [f"{row:08d}" for row in range(count)]
            found = judge(frame, pd.Series(False, frame.index), (names, names), RULES)
            if not (found.objections or found.unknown):
                right, promoted = new, promoted + 1
        over.append(right.mean() - begin)
    share = promoted / (draws * rounds)
    return [
        count,
        rounds,
        f"{share:.0%}",
        f"{100 * np.mean(over):+.2f}",
        f"{100 * optimism([ACCURACY] * rounds, count):+.2f}",
    ]


def chained(count: int, rounds: int, fresh: float, draws: int) -> list[object]:
    """How often the interval of the change over `rounds` holds it; `fresh` of the images are new in each round."""
    rng = np.random.default_rng([count, rounds, int(100 * fresh)])
    held = []
    for _ in range(draws):
        right, change, truth = rng.random(count) < ACCURACY, START, 0.0
        for _ in range(rounds):
            gain = float(rng.uniform(-0.02, 0.03))
            rate = right_rate(truth)
            away = rng.random(count) < fresh
            right = np.where(away, rng.random(count) < rate, right)
            new = successor(right, gain, rng)
            expected = gain_of(rate, gain)
            change = change.then(against(new, right, np.arange(count)).as_dict())
            right, truth = new, truth + expected
        held.append(change.low <= truth <= change.high)
    return [count, rounds, f"{fresh:.0%}", f"{np.mean(held):.1%}"]


def right_rate(truth: float) -> float:
    """The true accuracy after a change of `truth` in all."""
    return ACCURACY + truth


def gain_of(rate: float, gain: float) -> float:
    """The true change of a model with the accuracy `rate` by `successor`."""
    return (1 - rate) * (CHANGED + gain) / 2 / (1 - ACCURACY) - rate * (CHANGED - gain) / 2 / ACCURACY


def main() -> None:
    """Measure every case, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    draws = parser.parse_args().draws
    best = [best_of_k(count, tries, 10 * draws) for count in (200, 1000) for tries in (2, 5, 20)]
    gate = [gated(count, rounds, max(draws // 10, 10)) for count in (200, 1000) for rounds in (5, 20)]
    line = [
        chained(count, rounds, fresh, draws) for count in (200, 1000) for rounds in (2, 5, 10) for fresh in (0.0, 0.3)
    ]
    tables = [
        Table(["images", "models", "too good by", "stated"], best, "**Best of k equally good models** (points)"),
        Table(["images", "rounds", "promoted", "too good by", "stated"], gate, "**Rounds through the gate** (points)"),
        Table(["images", "rounds", "new images a round", "interval holds"], line, "**The change over versions**"),
    ]
    write_page("reuse", "What a used benchmark tells", f"{draws} draws.", tables, NOTES)


NOTES = """Wanted: what is stated is no less than what is so, within the error of the draws, and the interval of the
change over versions holds in 95% or more. The stated optimism is that of the best of as many models that err on their
own images. Models that share their errors look less too good when the best of them is taken once; taken round by round
through the gate, they come near it. Where the same images stay, what became better can only stay or become worse,
so the added interval is too wide; with new images in each round it comes closer to 95%."""


if __name__ == "__main__":
    main()
