"""How probably each label is wrong, and what it probably should be.

Twice over: opinions from all labels give a first verdict; what it doubts no longer teaches in the second pass (the
pruning of confident learning, Northcutt et al. 2021). A twin under another label turns the question into one between
those two labels. cleanlab's own verdict on the same out-of-sample probabilities is at hand to compare with.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.evidence import Codes, Subjects, Witnesses, pool
from curation.evaluation.label_noise import Noise, fit_noise, wrong_given

DOUBTED = 0.2
BENT = 0.05
ENOUGH = 200


@dataclass(frozen=True)
class Verdicts:
    """For every image: P(label wrong), the class it should have if so, P(class) [n, c]; and the noise found."""

    wrong: NDArray[np.float64]
    suggested: Codes
    likely: NDArray[np.float64]
    noise: Noise


def verdicts(subjects: Subjects, learnt: NDArray[np.bool_], conflicts: Codes | None = None) -> Verdicts:
    """Judge every label. `learnt` [n]: the model trained on it; `conflicts` [n]: a twin's other label, -1 for none."""
    witnesses = Witnesses(subjects)
    labels = subjects.labels
    everything = np.ones(len(labels), bool)
    first = _judge(witnesses, everything, everything)
    chosen = ~learnt if bent(first.likely, labels, learnt) else everything
    doubted = first.wrong > DOUBTED
    second = _judge(witnesses, ~doubted, chosen)
    return second if conflicts is None else settle(second, labels, conflicts)


def bent(likely: NDArray[np.float64], labels: Codes, learnt: NDArray[np.bool_]) -> bool:
    """Whether embeddings agree far more with labels that were learnt than with others: it knows some by heart.

    Then the noise is measured on the other images alone.
    """
    right = likely.argmax(axis=1) == labels
    if learnt.sum() < ENOUGH or (~learnt).sum() < ENOUGH:
        return False
    return bool(right[learnt].mean() - right[~learnt].mean() > BENT)


def confident_learning(likely: NDArray[np.float64], labels: Codes) -> NDArray[np.bool_]:
    """Flags [n] of cleanlab's pruning by noise rate, on out-of-sample probabilities [n, c]."""
    from cleanlab.filter import find_label_issues

    if len(np.unique(labels)) < likely.shape[1]:  # cleanlab wants every class to occur
        return np.zeros(len(labels), bool)
    return np.asarray(find_label_issues(labels, likely, filter_by="both", n_jobs=1), bool)


def settle(found: Verdicts, labels: Codes, conflicts: Codes) -> Verdicts:
    """Where a twin has another label, one of the two is wrong: weigh them against each other."""
    rows = np.flatnonzero(conflicts >= 0)
    here, there = found.likely[rows, labels[rows]], found.likely[rows, conflicts[rows]]
    wrong, suggested = found.wrong.copy(), found.suggested.copy()
    wrong[rows] = np.maximum(wrong[rows], there / np.maximum(here + there, 1e-300))
    suggested[rows] = np.where(there >= found.likely[rows, suggested[rows]], conflicts[rows], suggested[rows])
    return Verdicts(wrong, suggested, found.likely, found.noise)


def _judge(witnesses: Witnesses, believed: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> Verdicts:
    labels = witnesses.subjects.labels
    opinions = witnesses.opinions(believed)
    noise = fit_noise(opinions, labels, chosen, witnesses.subjects.seed)
    likely = pool(opinions, noise.weights)
    others = likely.copy()
    others[np.arange(len(labels)), labels] = -1
    return Verdicts(order_wrong(likely, labels, noise), others.argmax(axis=1), likely, noise)


def order_wrong(likely: NDArray[np.float64], labels: Codes, noise: Noise) -> NDArray[np.float64]:
    """P(wrong), and where no noise was found at all, still an order: the share of the best other class, made small."""
    wrong = wrong_given(likely, labels, noise.transitions)
    if noise.rate > 1e-6:
        return wrong
    rows = np.arange(len(labels))
    own, others = likely[rows, labels], likely.copy()
    others[rows, labels] = 0
    return np.asarray(0.01 * others.max(axis=1) / np.maximum(own + others.max(axis=1), 1e-300))
