"""Count how often each 95% interval holds the truth, on made answers whose truth is known.

    python benchmarks/intervals.py --draws 400

Images come in groups of 1, 3 and 6. In a group of more than one, answers are correlated by 0.5: each image takes the
answer of its group with a chance of the root of 0.5, or one of its own. The accuracy of each draw is spread by 0.01
around the one named, because an interval of a share jumps with the number of right images. Only numpy and scipy.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tables import Table, write_page

from curation.evaluation.comparison.paired import against
from curation.evaluation.error_breakdown import breakdown, named
from curation.evaluation.prediction_facts import Facts
from curation.evaluation.uncertainty import auc_interval, bootstrap, intervals
from curation.evaluation.uncertainty.calibration_interval import calibration_interval

SIZES, COUNTS, ACCURACIES, ALIKE = (1, 3, 6), (25, 50, 100, 200, 500, 1000), (0.8, 0.9, 0.95, 1.0), 0.5
CLASSES = 5
CHANCES = (np.arange(20_000) + 0.5) / 20_000
Rng = np.random.Generator
Reals = NDArray[np.float64]
Groups = NDArray[np.int64]
Draw = Callable[[Rng, Groups, float], bool | None]


def latent(rng: Rng, groups: Groups) -> Reals:
    """Uniform numbers [n] that images of a group share with a correlation of 0.5."""
    shared, own = rng.random(groups.max() + 1)[groups], rng.random(len(groups))
    return np.asarray(np.where(rng.random(len(groups)) < np.sqrt(ALIKE), shared, own))


def spread(rng: Rng, accuracy: float) -> float:
    """The accuracy of one draw."""
    return accuracy if accuracy == 1 else float(rng.uniform(accuracy - 0.01, accuracy + 0.01))


def accuracy(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of an accuracy holds it."""
    truth = spread(rng, wanted)
    low, high = intervals.share(latent(rng, groups) < truth, groups)
    return low <= truth <= high


def difference(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of the difference of two models holds it; the newer one is 3 points worse."""
    old, lost, won = spread(rng, wanted), 0.06, 0.03
    number = latent(rng, groups)
    old_right = number < old
    better = (number >= old) & (number < old + won)
    worse = number < lost
    new_right = (old_right | better) & ~worse
    truth = min(won, 1 - old) - lost
    low, high = against(new_right, old_right, groups).interval
    return low <= truth + 1e-12 and truth - 1e-12 <= high


def log_loss(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of a mean log loss holds it: confidences of Beta(1.5 a, 1.5 (1 - a)), rightly calibrated."""
    if wanted == 1:
        return None
    sure = np.interp(latent(rng, groups), CHANCES, confidences(wanted))
    right = latent(rng, groups) < sure
    low, high = intervals.mean(-np.log(np.where(right, sure, 1 - sure)), groups, 400, int(rng.integers(10**6)))
    return None if np.isnan(low) else low <= entropy(wanted) <= high


@cache
def confidences(wanted: float) -> Reals:
    """Quantiles of the confidences of a model with this accuracy."""
    from scipy.stats import beta

    return np.asarray(np.clip(beta.ppf(CHANCES, 1.5 * wanted, 1.5 * (1 - wanted)), 1e-4, 1 - 1e-4))


def entropy(wanted: float) -> float:
    """The mean log loss of such confidences, by numerical integration."""
    sure = confidences(wanted)
    return float(-(sure * np.log(sure) + (1 - sure) * np.log(1 - sure)).mean())


def f1(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of macro F1 holds it: five classes, a group has one, most errors name the next one."""
    truth = rng.integers(CLASSES, size=groups.max() + 1)[groups]
    steps = np.searchsorted(chances(wanted), latent(rng, groups), side="right")
    told = (truth + np.minimum(steps, CLASSES - 1)) % CLASSES
    how = (200, int(rng.integers(10**6)))
    found = bootstrap.matrix_intervals((truth, told), groups, CLASSES, {"f1": bootstrap.macro_f1s}, how)["f1"]
    return None if np.isnan(found.low) else found.low <= wanted + 1e-12 and wanted - 1e-12 <= found.high


def chances(wanted: float) -> Reals:
    """Cumulative chances of the steps from the true class to the answer."""
    rest = np.array([0.7, 0.15, 0.1, 0.05]) * (1 - wanted)
    return np.cumsum([wanted, *rest])


def auc(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of an area under the ROC curve holds it: normal scores, a third of the groups positive."""
    from scipy.special import ndtri

    if wanted == 1:
        return None
    positive = (rng.random(groups.max() + 1) < 1 / 3)[groups]
    scores = ndtri(latent(rng, groups)) + positive * np.sqrt(2) * float(ndtri(wanted))
    area, shares = auc_interval.influence(scores, positive)
    low, high = auc_interval.interval(area, shares, groups)
    return None if np.isnan(low) else low <= wanted <= high


def calibration(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether the interval of an expected calibration error holds it; a third of the draws are calibrated."""
    if wanted == 1:
        return None
    over = float(rng.choice([0.0, 0.05, 0.1]))  # the truth is the stated confidence less this share of it
    sure = np.interp(latent(rng, groups), CHANCES, confidences(wanted))
    right = latent(rng, groups) < sure * (1 - over)
    low, high = calibration_interval(sure, right, groups, int(rng.integers(10**6)))
    truth = over * float(confidences(wanted).mean())
    return None if np.isnan(low) else low <= truth <= high


def parts(rng: Rng, groups: Groups, wanted: float) -> bool | None:
    """Whether all intervals of an error breakdown hold: train is five times as large as val and has half its errors.

    Beside test, which is like val, there are nine benchmark sets; five of them have 3 points more errors.
    """
    wrong = 1 - spread(rng, wanted)
    errors = {"train": wrong / 2, "val": wrong, "test": wrong}
    errors |= {f"benchmark/{number}": wrong + 0.03 * (number % 2 == 0) for number in range(9)}
    size = int(np.bincount(groups).max())
    counts = [len(groups) * (5 if name == "train" else 1) for name in errors]
    own = [np.arange(count) // size for count in counts]
    right = np.concatenate([latent(rng, some) >= rate for some, rate in zip(own, errors.values(), strict=True)])
    owner = np.repeat(np.arange(len(counts)), counts)
    facts = facts_of(right, np.unique(np.stack([owner, np.concatenate(own)]), axis=1, return_inverse=True)[1])
    found = breakdown(facts, {name: owner == number for number, name in enumerate(errors)}, {}, 0.0)
    truths = {"bias": wrong / 2, "variance": wrong / 2, "selection": 0.0}
    truths |= {f"shift/{name.split('/')[1]}": errors[name] - wrong for name in errors if "/" in name}
    return all(low - 1e-12 <= truths[name] <= high + 1e-12 for name, _, low, high, _ in named(found))


def facts_of(right: NDArray[np.bool_], groups: Groups) -> Facts:
    """Predictions of one class that are right or not."""
    zeros, flags = np.zeros(len(right), np.int32), np.zeros(len(right), bool)
    reals = np.zeros(len(right), np.float32)
    texts = (zeros, zeros, zeros, zeros, np.where(right, 0, 1).astype(np.int32), zeros)
    names: dict[str, list[str]] = {"class": ["a", "b"], "split": [], "benchmark_set": [], "subclass": []}
    return Facts(names, *texts, flags, flags, reals, reals, reals, flags, groups.reshape(-1))


KINDS: dict[str, Draw] = {"accuracy (Wilson)": accuracy, "difference (Newcombe)": difference}
KINDS |= {"log loss (bootstrap-t)": log_loss, "macro F1 (bootstrap)": f1}
KINDS |= {"AUC (DeLong over groups)": auc, "expected calibration error (inverted test)": calibration}
KINDS |= {"error breakdown (12 intervals together, Clopper-Pearson)": parts}


def covered(kind: str, size: int, count: int, asked: argparse.Namespace) -> Iterator[float]:
    """The share of draws whose interval holds the truth, for each accuracy; none where no interval is stated."""
    groups = np.repeat(np.arange(-(-count // size)), size)[:count]
    for number, wanted in enumerate(ACCURACIES):
        rng = np.random.default_rng([asked.seed, list(KINDS).index(kind), size, count, number])
        found = [hit for hit in (KINDS[kind](rng, groups, wanted) for _ in range(asked.draws)) if hit is not None]
        yield float(np.mean(found)) if len(found) >= asked.draws / 2 else float("nan")


def main() -> None:
    """Measure every kind of interval, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=[], help="words of the kinds to measure; all by default")
    parser.add_argument("--rows", type=Path, help="JSON of finished rows, which are not measured again")
    asked = parser.parse_args()
    finished = json.loads(asked.rows.read_text()) if asked.rows and asked.rows.exists() else {}
    tables = []
    for kind in KINDS:
        if asked.kinds and not any(word in kind for word in asked.kinds):
            continue
        rows = []
        for size, count in itertools.product(SIZES, COUNTS):
            key = f"{kind}, {size} x {count}, {asked.draws} draws, seed {asked.seed}"
            if key not in finished:
                finished[key] = [f"{share:.1%}" for share in covered(kind, size, count, asked)]
            rows.append([size, count, *finished[key]])
            print(kind, rows[-1], flush=True)
            if asked.rows:
                asked.rows.write_text(json.dumps(finished, indent=1))
        header = ["images a group", "images", *(f"at {wanted:g}" for wanted in ACCURACIES)]
        tables.append(Table(header, rows, f"**{kind}**"))
    about = f"{asked.draws} draws a cell; correlation in groups of 3 and 6: {ALIKE}. nan: no interval is stated there."
    title = "How often a 95% interval holds the truth"
    write_page("intervals", title, about, tables, NOTES, keep=not asked.kinds)


NOTES = """With 400 draws a figure is right within 2 points. Wanted: 93-97%. It is more where little can be told: at an
accuracy of 1 the interval always reaches it, and with few changed images or few groups it is wider than it need be.
An area under the ROC curve counts for no more images than there are groups, which is too careful in groups of 3 and 6:
counted by their effective size, as macro F1 is, 87 to 95% were covered with 100 groups or fewer. A log loss of 25 or 50
images at an accuracy of 0.95 is a little too narrow, 91 to 92%: few images have large losses. The 12 intervals of an
error breakdown hold together. An expected calibration error of fewer than 500 images has wider intervals than need be.
Macro F1 needs ten groups for each class, and a mean log loss ten groups. The percentile bootstrap over images, which
these intervals replace, holds 81% in groups of 3 and 71% in groups of 6."""


if __name__ == "__main__":
    main()
