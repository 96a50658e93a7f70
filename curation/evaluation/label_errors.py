"""How probably each label is wrong, and what it probably should be.

Confident learning (Northcutt et al. 2021) asks for out-of-sample probabilities. They come from logistic regression on
the embeddings, in folds that keep near-duplicates together, and from the votes of nearest neighbours under the same
rule. The posterior follows from them and from the noise that confident learning estimates, by Bayes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.neighbours import nearest

FOLDS = 5
VOTES = 15

Reals = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Verdicts:
    """For every image: the probability that its label is wrong, and the class it most probably is if so."""

    wrong: Reals
    suggested: Codes


def fold_of(groups: NDArray[np.integer], folds: int, seed: int) -> Codes:
    """A fold for every image, the same for all of a group."""
    names, inverse = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return np.asarray(order[inverse] % folds, np.int64)


def fold_probabilities(vectors: NDArray[np.float32], labels: Codes, folds: Codes, classes: int) -> Reals:
    """Out-of-sample probabilities [n, classes] of logistic regression, one fold at a time."""
    from sklearn.linear_model import LogisticRegression

    out = np.zeros((len(vectors), classes))
    for fold in np.unique(folds):
        inside = folds != fold
        if len(np.unique(labels[inside])) < 2:
            out[~inside] = np.bincount(labels[inside], minlength=classes) / max(inside.sum(), 1)
            continue
        model = LogisticRegression(max_iter=300, C=0.1).fit(vectors[inside], labels[inside])
        out[np.ix_(~inside, model.classes_)] = model.predict_proba(vectors[~inside])
    return out


def neighbour_probabilities(
    vectors: NDArray[np.float32], labels: Codes, groups: NDArray[np.integer], classes: int, seed: int
) -> Reals:
    """Votes [n, classes] of the nearest images of other leak groups, with one imagined vote spread over all classes."""
    found = nearest(vectors, vectors, VOTES, groups=(groups, groups), seed=seed)
    votes = np.full((len(vectors), classes), 1 / classes)
    rows, places = np.nonzero(found.rows >= 0)
    np.add.at(votes, (rows, labels[found.rows[rows, places]]), 1.0)
    return np.asarray(votes / votes.sum(axis=1, keepdims=True))


def verdicts(probabilities: Reals, labels: Codes) -> Verdicts:
    """Posterior that each label is wrong, from out-of-sample probabilities [n, c] and the estimated noise."""
    noise = noise_matrix(probabilities, labels)
    posterior = probabilities * noise[:, labels].T
    posterior /= np.maximum(posterior.sum(axis=1, keepdims=True), 1e-300)
    rows = np.arange(len(labels))
    wrong = 1 - posterior[rows, labels]
    posterior[rows, labels] = -1
    return Verdicts(wrong, posterior.argmax(axis=1))


def noise_matrix(probabilities: Reals, labels: Codes) -> Reals:
    """P(given label | true label) [true, given], from confident learning's estimate of the joint distribution."""
    from cleanlab.count import compute_confident_joint

    joint = compute_confident_joint(labels, probabilities, calibrate=True).astype(np.float64).T
    joint += np.eye(len(joint)) + 0.01
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))
