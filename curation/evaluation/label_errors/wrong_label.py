"""How probably each label is wrong, and what it probably should be.

Twice over: opinions from all labels give a first verdict; what it doubts no longer teaches in the second pass (the
pruning of confident learning, Northcutt et al. 2021). The verdict joins Bayes' answer under the noise that was found
and cleanlab's label quality on the same out-of-sample probabilities. A twin under another label turns the question into
one between those two labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.label_errors.label_evidence import Codes, Subjects, Witnesses, pool
from curation.evaluation.label_errors.label_noise import Noise, fit_noise, wrong_given

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
    return Verdicts(combined(likely, labels, noise), others.argmax(axis=1), likely, noise)


def combined(likely: NDArray[np.float64], labels: Codes, noise: Noise) -> NDArray[np.float64]:
    """P(wrong) [n]: Bayes' answer and cleanlab's label quality, their log-odds averaged.

    cleanlab scores a label by its probability, which finds flips to any class best, or by its margin below the best
    other class, which finds flips between look-alikes best (Kuan & Mueller 2022); the kind of noise that was found says
    how far each counts. As many labels are held to be wrong as Bayes says.
    """
    alike = (1 - noise.even) ** 2  # a small share is mostly an error of the fit
    doubt = (1 - alike) * _odds(1 - _quality(labels, likely, "self_confidence"))
    doubt += alike * _odds(1 - _quality(labels, likely, "normalized_margin"))
    if noise.rate <= 1e-6:  # no noise was found: still an order, made small
        return np.asarray(0.01 / (1 + np.exp(-doubt)))
    bayes = wrong_given(likely, labels, noise.transitions)
    return _shifted((_odds(bayes) + doubt) / 2, float(bayes.mean()))


def _quality(labels: Codes, likely: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    from cleanlab.rank import get_label_quality_scores

    return np.asarray(get_label_quality_scores(labels, likely, method=method), np.float64)


def _odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probability, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inside / (1 - inside)))


def _shifted(odds: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """Probabilities of log-odds [n], moved by one number so that their mean is `mean`."""
    from scipy.optimize import brentq
    from scipy.special import expit

    moved = brentq(lambda by: float(expit(odds + by).mean()) - mean, -60.0, 60.0)
    return np.asarray(expit(odds + moved))
