"""Count how often the lower bound of precision that is stated for the pool holds, also when the pool is unlike val.

    python benchmarks/pool_precision.py --runs 400

Made embeddings whose truth is known: ten classes of unequal difficulty and ten foreign kinds, near to them or far, in
32 dimensions; a classifier, a calibration and the OOD score are fitted as the stage evaluate fits them. Pools have no
foreign images, 10, 20 or 30 %, and the priors of val or others. A bound that is stated must be right in 95 % of runs,
or no bound is stated. Writes benchmarks/results/pool_precision.md.
"""

import argparse
import itertools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import softmax

from curation.pool.precision.pool_shift import MISSED, compare, low_in_pool
from curation.predict.calibration import Calibration
from curation.predict.ood import Answered, Reference, foreign, unit
from curation.predict.thresholds import Sample, curve

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, Probe, load
from tables import Table, write_page

CLASSES, WIDTH, POOL = 10, 32, 2_000
VALS, SHARES = (800,), (0.0, 0.1, 0.2, 0.3)
SURE, WANTED = 0.9, 0.95
Drawn = tuple[np.ndarray, np.ndarray]
NOTES = """A bound that is stated holds in every run here: in rows of 100 runs, and of 60 runs of 3 networks, no error
means at least 97% and 95%. The seeds (from 30000) chose nothing. With a pool like val the bound is refused in 7 and
8% of runs, where 5% is the aim.

Why the bound allows for a tenth of foreign images: with four other networks (seeds from 10000, 30 draws each) and 10%
foreign images, the test found no difference in 25% of the draws with a val of 800, and in 22% with 1,000. Without the
allowance a bound was then stated that was wrong every time, so it held in 75% and 78% of the draws. The OOD score of
such a network (20000) catches a fifth of the foreign images. With that network and another one (20002, 20 draws each)
the bound less a tenth was below the true precision in each draw with 5 and with 10% foreign images, whether the test
passed or not.

Without foreign images, a bound without the allowance holds in 93% of those 120 draws with a val of 800, and in 96%
with 1,000, because it is meant for all images like val, and the precision of one pool of 2,000 images differs from
theirs by chance.

The threshold for a wanted precision is shown for images like val, and has no allowance: `reached` is no promise for a
pool with foreign images."""


@dataclass(frozen=True)
class World:
    """Means of classes and of foreign kinds; class 0 is hard to tell from class 1, 2 from 3."""

    means: np.ndarray
    strange: np.ndarray

    @classmethod
    def of(cls, rng: np.random.Generator, near: float) -> "World":
        """Draw a world; `near` says how close foreign kinds are to the classes, 0 to 1."""
        means = rng.normal(0, 1.1, (CLASSES, WIDTH))
        means[1] = means[0] + rng.normal(0, 0.35, WIDTH)
        means[3] = means[2] + rng.normal(0, 0.5, WIDTH)
        strange = rng.normal(0, 1.1, (CLASSES, WIDTH))
        return cls(means, near * means + (1 - near) * strange)

    def draw(self, rng: np.random.Generator, count: int, prior: np.ndarray, share: float = 0.0) -> Drawn:
        """Embeddings, and true classes; -1 is foreign."""
        labels = rng.choice(CLASSES, count, p=prior)
        alien = rng.random(count) < share
        spread = rng.normal(size=(count, WIDTH)) * np.linspace(0.5, 1.6, WIDTH)
        vectors = np.where(alien[:, None], self.strange[labels], self.means[labels]) + spread + 1
        return vectors.astype(np.float32), np.where(alien, -1, labels)


class Answers(NamedTuple):
    """What a model gave for some images: logits, embeddings, and the true classes; -1 is foreign."""

    logits: np.ndarray
    vectors: np.ndarray
    truth: np.ndarray

    def take(self, rows: np.ndarray) -> "Answers":
        """Some of the images."""
        return Answers(*(column[rows] for column in self))


def main() -> None:
    """Count; one table of made data, and one of Fashion-MNIST."""
    asked = _arguments()
    about = (
        f"Pools of {POOL:,} images. `stated`: runs in which a lower bound is stated for confidence >= {SURE}; `holds`: "
        "runs in which it is not above the true precision of the pool, or none is stated; `not allowing`: the same, if "
        f"the bound did not allow for {MISSED:.0%} foreign images that the test misses; `bound`: its mean where it is "
        "stated; `without the test` and `raw softmax`: bounds for images like val that would hold if they were always "
        f"stated. `threshold`: runs in which a threshold for {WANTED} on images like val is given and the pool passes "
        "the test; `reached`: runs in which it has this precision there, or none is given. `coverage`: the share of "
        f"the pool that can be taken at {WANTED} in hindsight, by calibrated confidence behind the gate and by raw "
        "softmax. `kept`: in-scope pool images that the gate keeps. Made by `python benchmarks/pool_precision.py`."
    )
    header = ["val", "foreign", "priors", "stated", "holds", "not allowing", "bound", "without the test", "raw softmax"]
    header += ["true precision", "threshold", "reached", "coverage", "coverage, raw", "kept"]
    made = f"**Made embeddings**, {asked.runs} worlds a row; foreign kinds lie at random between far and near."
    real = (
        "**Fashion-MNIST**, three classes are foreign; a CNN of 90,000 weights, "
        f"{asked.networks} networks, {asked.draws} draws a row."
    )
    networks = [_network(asked, seed) for seed in range(asked.seed, asked.seed + asked.networks)]
    rows = [[*key, *_summary([run for found in networks for run in found[key]])] for key in networks[0]]
    tables = [Table(header, [row for val in VALS for row in _worlds(asked, val)], made), Table(header, rows, real)]
    write_page("pool_precision", "Does the stated precision hold in the pool?", about, tables, NOTES)


def _worlds(asked: argparse.Namespace, val: int) -> list[list[object]]:
    """The rows of made data with a val of this size."""
    even = np.full(CLASSES, 1 / CLASSES)
    other = np.array([5, 5, 3, 3, 1, 1, 1, 1, 1, 1]) / 22
    rows: list[list[object]] = []
    for share in SHARES:
        for name, prior in (("as val", even), ("other", other)):
            seeds = range(asked.seed, asked.seed + asked.runs)
            found = [_made(np.random.default_rng(seed), val, share, prior) for seed in seeds]
            rows.append([val, f"{share:.0%}", name, *_summary(found)])
            print(rows[-1], flush=True)
    return rows


def _made(rng: np.random.Generator, val: int, share: float, prior: np.ndarray) -> list[float]:
    """One made world: what is stated of its pool, and what is true."""
    world = World.of(rng, rng.uniform(0, 0.8))
    even = np.full(CLASSES, 1 / CLASSES)
    train, truth = world.draw(rng, 1_500, even)
    model = _model(train, truth)
    held, pool = (
        Answers(model(vectors), vectors, labels)
        for vectors, labels in (world.draw(rng, val, even), world.draw(rng, POOL, prior, share))
    )
    return _run((train, truth), held, pool)


def _network(asked: argparse.Namespace, seed: int) -> dict[tuple[int, str, str], list[list[float]]]:
    """Draws of val and of pools from Fashion-MNIST, scored by a network that knows seven of its classes."""
    images, labels = load(asked.data)
    rng = np.random.default_rng(seed)
    order, out = rng.permutation(len(images)), rng.permutation(10)[:3]
    codes = np.where(np.isin(labels, out), -1, np.searchsorted(np.setdiff1d(np.arange(10), out), labels))
    train = order[:6_000][codes[order[:6_000]] >= 0][:3_000]
    model = Probe(7, seed).fit(images[train], codes[train], 300)
    bank = (model.score(images[train[:1_500]])[1], codes[train[:1_500]])
    rest = order[6_000:18_000]
    scored = Answers(*model.score(images[rest]), codes[rest])
    inside, strange = np.flatnonzero(scored.truth >= 0), np.flatnonzero(scored.truth < 0)
    hard = np.where(scored.truth[inside] % 2 == 0, 3.0, 1.0)
    found: dict[tuple[int, str, str], list[list[float]]] = {}
    for val, share, (name, prior) in itertools.product(VALS, SHARES, (("as val", None), ("other", hard / hard.sum()))):
        runs = found.setdefault((val, f"{share:.0%}", name), [])
        for _ in range(-(-asked.draws // asked.networks)):
            held = rng.choice(inside, val, replace=False)
            pool = rng.choice(inside, POOL - int(share * POOL), p=prior)
            pool = np.append(pool, rng.choice(strange, int(share * POOL), replace=False))
            runs.append(_run(bank, scored.take(held), scored.take(pool)))
        print(seed, val, share, name, len(runs), np.round(_summary(runs), 3).tolist(), flush=True)
    return found


def _run(train: Drawn, held: Answers, pool: Answers) -> list[float]:
    """Fit as the stage evaluate does, and compare what is stated of the pool with what is true."""
    reference = Reference.fit(unit(train[0]), train[1], unit(held.vectors))
    far = reference.ood_scores(unit(held.vectors))
    fitted = Calibration.fit(held.logits, held.truth, sample=Sample(counted=~foreign(far)))
    raw_sure, raw_named = _softmax(held.logits)
    plain = curve(raw_sure, raw_named == held.truth)
    sure = fitted.probabilities(held.logits)
    like = Answered(tuple(sure.argmax(1).tolist()), tuple(sure.max(1).tolist()), tuple(far.tolist()))
    answers, far = fitted.probabilities(pool.logits), reference.ood_scores(unit(pool.vectors))
    count = np.arange(len(far))
    frame = pd.DataFrame({"image_id": count, "leak_group": count, "confidence": answers.max(1), "ood_score": far})
    frame["label"] = np.asarray(fitted.classes, object)[answers.argmax(1)]
    right, kept, confidence = answers.argmax(1) == pool.truth, ~foreign(far), answers.max(1)
    alike = not str(compare(like, frame, fitted.classes))
    low, true = fitted.expected(SURE).low, right[(confidence >= SURE) & kept].mean()
    stated = low_in_pool(low)
    raw, _ = _softmax(pool.logits)
    threshold = fitted.threshold_for(WANTED)
    above = (confidence >= threshold) & kept
    given = alike and not np.isnan(threshold)
    return [
        alike and not np.isnan(low),
        not alike or not stated > true,
        not alike or not low > true,
        stated if alike else np.nan,
        not low > true,
        not plain.expected(SURE).low > right[raw >= SURE].mean(),
        true,
        given,
        not (given and above.any() and right[above].mean() < WANTED),
        _coverage(confidence[kept], right[kept]) * kept.mean(),
        _coverage(raw, right),
        kept[pool.truth >= 0].mean(),
    ]


def _model(train: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Linear discriminant analysis that is too sure: logits as a function of embeddings."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    fitted = LinearDiscriminantAnalysis(solver="lsqr").fit(train, truth)
    return lambda vectors: np.asarray(fitted.decision_function(vectors)) * 1.5


def _softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    chances = softmax(logits, axis=1)
    return chances.max(1), chances.argmax(1)


def _coverage(sure: np.ndarray, right: np.ndarray) -> float:
    """The largest share, surest first, of which WANTED are right."""
    rates = np.cumsum(right[np.argsort(-sure, kind="stable")]) / np.arange(1, len(right) + 1)
    reached = np.flatnonzero(rates >= WANTED)
    return (reached[-1] + 1) / len(right) if len(reached) else 0.0


def _summary(found: list[list[float]]) -> list[float]:
    columns = (column[~np.isnan(column)] for column in np.array(found, float).T)
    return [float(column.mean()) if len(column) else float("nan") for column in columns]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--runs", type=int, default=400, help="made worlds a row")
    parser.add_argument(
        "--seed", type=int, default=10_000, help="the first seed; the test was chosen on seeds below 100"
    )
    parser.add_argument("--networks", type=int, default=10, help="of Fashion-MNIST")
    parser.add_argument("--draws", type=int, default=400, help="of Fashion-MNIST, over all networks")
    return parser.parse_args()


if __name__ == "__main__":
    main()
