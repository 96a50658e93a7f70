"""The probability that each label is wrong, and the class that it should probably be.

There are two passes. In the first, all labels train the out-of-fold models. Labels that it doubts train no model in the
second pass (the pruning of confident learning, Northcutt et al. 2021). The noise is estimated in the first pass only:
models that never saw the doubted labels explain them as small probabilities, so a second estimate is too low, and most
wrong labels would get a small probability. The probability combines Bayes' rule under the estimated noise with
cleanlab's label quality, on the pred_probs of the second pass. Where a copy of the image has another label, only these
two labels are compared. benchmarks/label_probability.py compares the stated probability with planted flips.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.label_errors.label_noise import Noise, fit_noise, wrong_given
from curation.evaluation.label_errors.pred_probs import Codes, OutOfFoldModels, Reals, Samples, pool

DOUBTED = 0.2  # probability of a label error from which a label trains no model in the second pass
OVERFITTED = 0.05  # difference of the agreement with trained and with other labels that shows overfitted embeddings
ENOUGH = 200  # images of each kind that the comparison needs


@dataclass(frozen=True)
class Verdicts:
    """For every image: P(label wrong) [n], the best other class [n], P(class) [n, c]; and the estimated noise."""

    wrong: NDArray[np.float64]
    suggested: Codes
    likely: NDArray[np.float64]
    noise: Noise


def verdicts(
    samples: Samples,
    learnt: NDArray[np.bool_],
    conflicts: Codes | None = None,
    disputed: NDArray[np.bool_] | None = None,
) -> Verdicts:
    """Judge every label.

    learnt: bool [n], whether the candidate was trained on the image.
    conflicts: int [n], the other label of a copy; -1 for none.
    disputed: bool [n], whose label is in conflict. About half of these labels are wrong, so they train no model and say
    nothing about the noise of the other labels.
    """
    models = OutOfFoldModels(samples)
    labels = samples.labels
    chosen = np.ones(len(labels), bool) if disputed is None or disputed.all() else ~disputed
    trained_on, log_probs = chosen, models.log_probs(chosen)
    first = _judge(samples, log_probs, chosen)
    if overfitted(first.likely, labels, learnt):
        chosen = ~learnt & chosen
        first = _judge(samples, log_probs, chosen)
    doubted = first.wrong > DOUBTED
    second = _judge(samples, models.log_probs(trained_on & ~doubted), chosen, first.noise)
    return second if conflicts is None else settle(second, labels, conflicts)


def overfitted(likely: NDArray[np.float64], labels: Codes, learnt: NDArray[np.bool_]) -> bool:
    """Whether the pred_probs agree far more with labels that the model was trained on than with the others.

    Then the model has overfitted to labels, and the noise is estimated on the other images only.
    """
    right = likely.argmax(axis=1) == labels
    if learnt.sum() < ENOUGH or (~learnt).sum() < ENOUGH:
        return False
    return bool(right[learnt].mean() - right[~learnt].mean() > OVERFITTED)


def settle(found: Verdicts, labels: Codes, conflicts: Codes) -> Verdicts:
    """Where a copy has another label, one of the two is wrong: compare the probabilities of these two."""
    rows = np.flatnonzero(conflicts >= 0)
    here, there = found.likely[rows, labels[rows]], found.likely[rows, conflicts[rows]]
    wrong, suggested = found.wrong.copy(), found.suggested.copy()
    wrong[rows] = np.maximum(wrong[rows], there / np.maximum(here + there, 1e-300))
    suggested[rows] = np.where(there >= found.likely[rows, suggested[rows]], conflicts[rows], suggested[rows])
    return Verdicts(wrong, suggested, found.likely, found.noise)


def _judge(
    samples: Samples, log_probs: Sequence[Reals], chosen: NDArray[np.bool_], known: Noise | None = None
) -> Verdicts:
    """Judge every label by log_probs. The weights are fitted to the `chosen` rows, and the noise too unless `known`."""
    labels = samples.labels
    noise = fit_noise(log_probs, labels, chosen, samples.seed)
    if known is not None:
        noise = replace(known, weights=noise.weights)
    likely = pool(log_probs, noise.weights)
    others = likely.copy()
    others[np.arange(len(labels)), labels] = -1
    return Verdicts(combined(likely, labels, noise), others.argmax(axis=1), likely, noise)


def combined(likely: NDArray[np.float64], labels: Codes, noise: Noise) -> NDArray[np.float64]:
    """P(wrong) [n]: the mean of two log-odds, those of Bayes' rule and those of cleanlab's label quality.

    cleanlab has two scores (Kuan and Mueller 2022). Self-confidence is the probability of the label; it finds noise
    over all classes best. The margin is the distance to the best other class; it finds noise between similar classes
    best. The kind of noise that was estimated sets the weight of each. The mean of P(wrong) is that of Bayes' rule.
    """
    alike = (1 - noise.even) ** 2  # squared, because a small share is mostly an error of the fit
    doubt = (1 - alike) * _odds(1 - _quality(labels, likely, "self_confidence"))
    doubt += alike * _odds(1 - _quality(labels, likely, "normalized_margin"))
    if noise.rate <= 1e-6:  # no noise was found: small probabilities that only give an order
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
    """Probabilities of log-odds [n], after one number is added to all of them so that the mean is `mean`."""
    from scipy.optimize import brentq
    from scipy.special import expit

    moved = brentq(lambda by: float(expit(odds + by).mean()) - mean, -60.0, 60.0)
    return np.asarray(expit(odds + moved))
