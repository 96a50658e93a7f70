"""What an image's class is by everything but its own label: opinions of which none has seen that label.

In folds, logistic regression on the embeddings and a forest (extremely randomised trees, Geurts et al. 2006) on the
pictures; the votes of nearest neighbours (Cover & Hart 1967) by both. Near-duplicates (leak groups) never judge one
another. Embeddings come from a model that learnt these very labels, so a label it knows by heart has bent them;
pictures are not bent, nor are the answers of models that were cross-trained on request (cross.py). How much each
opinion counts is fitted: a logarithmic pool (Genest & Zidek 1986) whose weights explain the labels of images best.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.neighbours import nearest, unit

FOLDS = 5
VOTES = 15
MOST_FITTED = 30_000  # images that one fold's regression learns from
FLOOR = 1e-3  # of a probability: light tails, so that noise is found as noise and not taken for doubt
IMAGINED = 0.1  # votes spread over all classes
TREES = 100
SPREAD = 4.0  # length of the vectors that the regression sees; it sets how strong its penalty is

Reals = NDArray[np.float32]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Subjects:
    """Labelled images: vectors float32 [n, d] by embedding, [n, p] by picture; codes of labels and leak groups [n]."""

    embeddings: Reals
    pictures: Reals
    labels: Codes
    groups: Codes
    classes: int
    seed: int = 0
    cross: Reals | None = None  # probabilities [n, c] by models that never saw the label; NaN where there are none


class Witnesses:
    """The opinions on some subjects; neighbours are searched once, and asked again when labels lose their weight."""

    def __init__(self, subjects: Subjects) -> None:
        self.subjects = subjects
        self._folds = fold_of(subjects.groups, FOLDS, subjects.seed)
        pair = (subjects.groups, subjects.groups)
        self._near = [
            nearest(vectors, vectors, VOTES, groups=pair, seed=subjects.seed).rows
            for vectors in (unit(subjects.embeddings), unit(subjects.pictures))
            if vectors.any()
        ]

    def opinions(self, believed: NDArray[np.bool_]) -> list[Reals]:
        """Log probabilities [n, classes], one array an opinion; labels not `believed` [n] teach nothing."""
        subjects = self.subjects
        fitted = [fold_probabilities(subjects, unit(subjects.embeddings) * SPREAD, self._folds, believed, _regression)]
        if subjects.pictures.any():
            fitted.append(fold_probabilities(subjects, subjects.pictures, self._folds, believed, _forest))
        votes = [_votes(rows, subjects.labels, believed, subjects.classes) for rows in self._near]
        told = [] if subjects.cross is None else [_filled(subjects.cross)]
        return [np.log(opinion + FLOOR) for opinion in (*fitted, *votes, *told)]


def fold_of(groups: Codes, folds: int, seed: int) -> Codes:
    """A fold for every image, the same for all of a group."""
    names, inverse = np.unique(groups, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(names))[inverse] % folds, np.int64)


def fold_probabilities(
    subjects: Subjects, vectors: Reals, folds: Codes, believed: NDArray[np.bool_], learner: Callable[[int], Any]
) -> Reals:
    """Out-of-fold probabilities [n, classes] of a classifier on vectors [n, d]; `learner` makes it from a seed."""
    out = np.zeros((len(vectors), subjects.classes), np.float32)
    for fold in np.unique(folds):
        inside, asked = np.flatnonzero((folds != fold) & believed), folds == fold
        inside = some(inside, MOST_FITTED, subjects.seed)
        known = subjects.labels[inside]
        if len(np.unique(known)) < 2:
            out[asked] = 1 / subjects.classes
            continue
        model = learner(subjects.seed).fit(vectors[inside], known)
        out[np.ix_(asked, model.classes_)] = model.predict_proba(vectors[asked])
    return out


def _regression(_seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=300)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)


def pool(opinions: Sequence[Reals], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join opinions (log probabilities [n, c]) into probabilities [n, c]: their weighted sum, normalised."""
    total = np.tensordot(weights, np.stack(opinions), axes=1).astype(np.float64)
    powers = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def some(rows: Codes, most: int, seed: int) -> Codes:
    """At most `most` of the rows, in order, drawn from the seed."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _filled(cross: Reals) -> Reals:
    """Cross-trained probabilities, which say nothing of images that were not asked about."""
    return np.where(np.isnan(cross), np.float32(1 / cross.shape[1]), cross)


def _votes(neighbours: Codes, labels: Codes, believed: NDArray[np.bool_], classes: int) -> Reals:
    """Share of the neighbours' votes [n, classes], with a tenth of a vote spread over all classes."""
    votes = np.full((len(neighbours), classes), IMAGINED / classes, np.float32)
    rows, places = np.nonzero(neighbours >= 0)
    asked = neighbours[rows, places]
    np.add.at(votes, (rows, labels[asked]), believed[asked].astype(np.float32))
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)
