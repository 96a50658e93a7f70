"""Hold the stated probability that a label is wrong against planted flips.

    python benchmarks/label_probability.py --sets digits fashion composites --images 600 2000 --seeds 1 2

A share of the labels is flipped, to any other class or to one that looks alike (of digits). A small network learns the
given labels of 70% of the images and gives the embeddings, as a round of the pipeline would. Wanted: among the labels
with a probability of at least 0.5, half or more are wrong at every rate of noise, and clean labels raise no alarm. The
cuts of the queue are compared on all of these sets. The cut in use was chosen on the sample of `make demo`.
"""

import argparse
import warnings
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from labelled_sets import Labelled, read
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from tables import Table, write_page

from curation.evaluation.label_errors.label_error_probability import verdicts
from curation.evaluation.label_errors.pred_probs import Samples
from curation.evaluation.neighbours import unit
from curation.evaluation.queue.error_clusters import reduce

Codes = NDArray[np.int64]
LOOK_ALIKE = {0: [6], 1: [7], 2: [3], 3: [5, 8], 4: [9], 5: [3], 6: [8], 7: [1, 9], 8: [1, 3], 9: [7, 4]}
HEADER = ["set", "flips", "rate", "images", "wrong", "P >= 0.25", "P >= 0.5", "Brier", "AP", "rate told"]
EDGES = [0.0, 0.05, 0.25, 0.5, 0.65, 0.8, 0.95, 1.001]
CUTS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
CLEAN = 400  # labels that may raise one alarm


@dataclass(frozen=True)
class Judged:
    """Labels that were judged: the stated probability [n], which are wrong [n], and the estimated rate of noise."""

    stated: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    rate: float


def flip(truth: Codes, rate: float, kind: str, rng: np.random.Generator) -> Codes:
    """Labels of which the share `rate` is replaced by any other class, or by one that looks alike."""
    given = truth.copy()
    for row in rng.choice(len(truth), round(rate * len(truth)), replace=False):
        others = (
            LOOK_ALIKE[int(truth[row])] if kind == "look-alike" else [name for name in range(10) if name != truth[row]]
        )
        given[row] = rng.choice(others)
    return given


def embed(data: Labelled, given: Codes, learnt: NDArray[np.bool_], seed: int) -> NDArray[np.float32]:
    """Embeddings of a network that learnt the given labels: of digits a perceptron, else a small CNN."""
    if data.pixels.shape[1] < 16:
        from sklearn.neural_network import MLPClassifier

        flat = data.pixels.reshape(len(given), -1).astype(np.float32) / 255
        network = MLPClassifier((64,), max_iter=40, learning_rate_init=3e-3, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # forty epochs do not converge, and need not
            network.fit(flat[learnt], given[learnt])
        return np.asarray(np.maximum(flat @ network.coefs_[0] + network.intercepts_[0], 0), np.float32)
    from fashion import Probe

    probe = Probe(10, seed, data.pixels.shape[3])
    found = probe.fit(data.pixels[learnt], given[learnt], 600, smoothing=0.1).score(data.pixels)[1]
    return np.asarray(found, np.float32)


def once(name: str, count: int, noise: tuple[str, float], seed: int, share: Path) -> Judged:
    """One draw of images and flips, judged."""
    rng = np.random.default_rng(seed)
    data = read(name, count, share, rng)
    kind, rate = noise
    given, learnt = flip(data.labels, rate, kind, rng), rng.random(len(data.labels)) < 0.7
    hidden = embed(data, given, learnt, seed)
    flat = np.asarray(data.pixels.reshape(len(given), -1) / 255, np.float32)
    vectors, pictures = reduce(unit(hidden), 64, 0), reduce(flat, 64, 0)
    found = verdicts(Samples(vectors, pictures, given, np.arange(len(given)), 10, seed), learnt)
    return Judged(found.wrong, given != data.labels, found.noise.rate)


def joined(found: list[Judged]) -> Judged:
    """Several draws as one."""
    stated, wrong = np.concatenate([one.stated for one in found]), np.concatenate([one.wrong for one in found])
    return Judged(stated, wrong, float(np.mean([one.rate for one in found])))


def of(found: Judged, cut: float) -> str:
    """How many of the labels with at least this probability are wrong."""
    chosen = found.stated >= cut
    return f"{int(found.wrong[chosen].sum())} / {int(chosen.sum())}"


def reliability(found: Judged) -> list[list[object]]:
    """One row for each range of the stated probability: its labels, the mean stated, and the share that is wrong."""
    rows: list[list[object]] = []
    for low, high in pairwise(EDGES):
        chosen = (found.stated >= low) & (found.stated < high)
        if chosen.any():
            about = found.stated[chosen].mean(), found.wrong[chosen].mean()
            rows.append([f"{low:g} to {min(high, 1):g}", int(chosen.sum()), *about])
    return rows


def cuts(found: dict[str, list[Judged]]) -> list[list[object]]:
    """For each cut and set: the share of wrong labels that are listed, and right ones for each 400 right labels."""
    rows: list[list[object]] = []
    for cut in CUTS:
        row: list[object] = [cut]
        for cases in found.values():
            every = joined(cases)
            listed = every.stated >= cut
            alarms = CLEAN * (listed & ~every.wrong).sum() / (~every.wrong).sum()
            worst = max(CLEAN * ((one.stated >= cut) & ~one.wrong).sum() / (~one.wrong).sum() for one in cases)
            row.append(f"{listed[every.wrong].mean():.0%}, {alarms:.2f} (worst case {worst:.2f})")
        rows.append(row)
    return rows


def main() -> None:
    """Measure every case and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=["digits", "fashion", "composites"])
    parser.add_argument("--images", type=int, nargs="+", default=[600, 2000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--share", type=Path, default=Path("/usr/share"), help="where the Debian packages lie")
    asked = parser.parse_args()
    rows: list[list[object]] = []
    by_set: dict[str, list[Judged]] = {}
    for name in asked.sets:
        kinds = ("random", "look-alike") if name == "digits" else ("random",)
        noises = [("none", 0.0), *((kind, rate) for kind in kinds for rate in (0.01, 0.05, 0.2))]
        for noise in noises:
            for count in asked.images:
                found = [once(name, count, noise, seed, asked.share) for seed in asked.seeds]
                every = joined(found)
                order = [average_precision_score(one.wrong, one.stated) for one in found if one.wrong.any()]
                brier = float(((every.stated - every.wrong) ** 2).mean())
                figures = [of(every, 0.25), of(every, 0.5), f"{brier:.4f}"]
                figures += [f"{np.mean(order):.3f}" if order else "", f"{every.rate:.4f}"]
                rows.append([name, noise[0], f"{noise[1]:.0%}", count, int(every.wrong.sum()), *figures])
                by_set.setdefault(name, []).append(every)
                print(rows[-1], flush=True)
    tables = [Table(HEADER, rows, "Wrong labels of all that are listed, and how right the probabilities are")]
    tables += [
        Table(["stated", "labels", "mean stated", "wrong"], reliability(joined(cases)), f"**{name}**")
        for name, cases in by_set.items()
    ]
    about = "Share of wrong labels listed, and right labels listed for each 400 right ones, by the cut"
    tables.append(Table(["cut", *by_set], cuts(by_set), about))
    seeds = f"{len(asked.seeds)} seeds a row; a small network gives the embeddings."
    write_page("label_probability", "P(label is wrong) against planted flips", seeds, tables, NOTES)


NOTES = """Wanted: of the labels with P >= 0.5, half or more are wrong in every row, and no alarm among clean labels.
Both hold in these rows: each row that lists a label at P >= 0.5 lists more wrong ones than right ones, and the clean
sets raise no alarm. The second does not hold on composites, see below.

These rows do not choose the cut of the queue (0.25). It was chosen on one model of the sample of `make demo` (39
flipped labels), where it lists 31 labels, of which 28 are wrong. That was too good. On another model of the same
sample, with nine seeds for the folds, 16 to 27 of the 39 are found (23 on average; 25 or more with two of nine
seeds), with 0 to 4 false alarms among 1,392 right labels (0.6 for each 400). No right label had P >= 0.5 with any of
these seeds.

1,500 composites of photographs (`--sets composites --images 1500 --seeds 21`) without any flip raise 37 alarms from
0.25 (9.9 for each 400), and none from 0.5: there confident errors count as noise, and 2.4% are "found". A floor of 1e-4
instead of 1e-3 (pred_probs.FLOOR) would find 25 of 39 in the sample and have a smaller Brier score with five of five
seeds, but on these composites it calls 11 right labels wrong from 0.5. So it stays at 1e-3.

With 1, 5 and 20% of random flips among these composites, 0 of 0, 13 of 39 and 82 of 159 labels from 0.25 are wrong,
and 0 of 0, 0 of 0 and 33 of 50 from 0.5 (Brier 0.009, 0.044, 0.154). So from 0.5 half and more are wrong there, too,
but from 0.25 fewer than half may be.

The rows were measured on 2026-11-27: 14 of digits and 7 of Fashion-MNIST, with one seed, and none of the composites.
Three more things speak against more trust:

- Digits with flips raise up to 2.33 alarms for each 400 right labels, where one was wanted.
- Three rows of Fashion-MNIST with flips list nothing at all, although 5, 15 and 25 labels are wrong.
- On digits, of the labels with a P of 0.05 to 0.25 three in four are wrong, most of them from the rows with 20% of
  look-alike flips. There P is far too small. Above 0.8 it is slightly too large.

Two limits. Where a fifth of the labels is flipped and each digit has only one or two others that it is taken for, and
where few images and a weak network leave the classes apart badly (500 clothes), flips look like pictures that are truly
in doubt. The estimated rate is then far too low and few or no labels are called wrong, though their order is better
than chance (AP)."""


if __name__ == "__main__":
    main()
