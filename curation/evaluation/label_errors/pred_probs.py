"""Out-of-fold pred_probs: the class of an image by models that were not trained on its own label.

Up to five models give log probabilities for every image:

- logistic regression on the embeddings, in folds;
- a forest of extremely randomised trees (Geurts et al. 2006) on the thumbnails, in folds;
- votes of the nearest neighbours (Cover and Hart 1967) by embedding, and by thumbnail;
- cross-trained models, on request (cross_training).

Images of one leak group never judge one another. The embeddings come from a model that may have been trained on these
very labels, and then they fit wrong labels too. Thumbnails and cross-trained models do not have this fault. The models
are joined by a logarithmic pool (Genest and Zidek 1986), whose weights are fitted in label_noise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.neighbours import nearest, unit

FOLDS = 5
VOTES = 15  # nearest neighbours that vote
MOST_FITTED = 30_000  # images that one fold's regression learns from
FLOOR = 1e-3  # added to every probability, so that a wrong label is explained by noise and not by a small probability
PRIOR_VOTES = 0.1  # votes that are spread over all classes
TREES = 100
LENGTH = 4.0  # of the vectors of the regression; it sets the strength of its penalty

Reals = NDArray[np.float32]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Samples:
    """Labelled images.

    embeddings: float32 [n, d]. pictures: float32 [n, p], from thumbnails.
    labels: codes int [n] of the classes. groups: codes int [n] of the leak groups.
    """

    embeddings: Reals
    pictures: Reals
    labels: Codes
    groups: Codes
    classes: int
    seed: int = 0
    cross: Reals | None = None  # cross-trained pred_probs [n, c]; NaN where there are none


class OutOfFoldModels:
    """The models for some samples. Neighbours are searched once, and reused when labels are no longer trusted."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self._folds = fold_of(samples.groups, FOLDS, samples.seed)
        pair = (samples.groups, samples.groups)
        self._near = [
            nearest(vectors, vectors, VOTES, groups=pair, seed=samples.seed).rows
            for vectors in (unit(samples.embeddings), unit(samples.pictures))
            if vectors.any()
        ]

    def log_probs(self, trusted: NDArray[np.bool_]) -> list[Reals]:
        """Log probabilities [n, classes] of each model. trusted: bool [n], the labels that models are trained on."""
        samples = self.samples
        fitted = [fold_probabilities(samples, unit(samples.embeddings) * LENGTH, self._folds, trusted, _regression)]
        if samples.pictures.any():
            fitted.append(fold_probabilities(samples, samples.pictures, self._folds, trusted, _forest))
        votes = [_votes(rows, samples.labels, trusted, samples.classes) for rows in self._near]
        cross = [] if samples.cross is None else [_filled(samples.cross)]
        return [np.log(probs + FLOOR) for probs in (*fitted, *votes, *cross)]


def fold_of(groups: Codes, folds: int, seed: int) -> Codes:
    """Fold of every image, int [n]; the images of one group are in one fold."""
    names, inverse = np.unique(groups, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(names))[inverse] % folds, np.int64)


def fold_probabilities(
    samples: Samples, vectors: Reals, folds: Codes, trusted: NDArray[np.bool_], learner: Callable[[int], Any]
) -> Reals:
    """Out-of-fold pred_probs [n, classes] of a classifier on vectors [n, d]. learner: makes it from a seed."""
    out = np.zeros((len(vectors), samples.classes), np.float32)
    for fold in np.unique(folds):
        inside, queries = np.flatnonzero((folds != fold) & trusted), folds == fold
        inside = some(inside, MOST_FITTED, samples.seed)
        known = samples.labels[inside]
        if len(np.unique(known)) < 2:
            out[queries] = 1 / samples.classes
            continue
        model = learner(samples.seed).fit(vectors[inside], known)
        out[np.ix_(queries, model.classes_)] = model.predict_proba(vectors[queries])
    return out


def _regression(_seed: int) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=1.0, max_iter=300)


def _forest(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed)


def pool(log_probs: Sequence[Reals], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join log probabilities [n, c] of several models into probabilities [n, c]: their weighted sum, normalised."""
    total = np.tensordot(weights, np.stack(log_probs), axes=1).astype(np.float64)
    powers = np.exp(total - total.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def some(rows: Codes, most: int, seed: int) -> Codes:
    """At most `most` of the rows, in order, sampled by the seed."""
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _filled(cross: Reals) -> Reals:
    """Cross-trained pred_probs, uniform for images that have none."""
    return np.where(np.isnan(cross), np.float32(1 / cross.shape[1]), cross)


def _votes(neighbours: Codes, labels: Codes, trusted: NDArray[np.bool_], classes: int) -> Reals:
    """Share of the neighbours' votes [n, classes], with PRIOR_VOTES spread over all classes."""
    votes = np.full((len(neighbours), classes), PRIOR_VOTES / classes, np.float32)
    rows, columns = np.nonzero(neighbours >= 0)
    voters = neighbours[rows, columns]
    np.add.at(votes, (rows, labels[voters]), trusted[voters].astype(np.float32))
    return np.asarray(votes / votes.sum(axis=1, keepdims=True), np.float32)
