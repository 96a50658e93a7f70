"""How sure a model may be, learnt from labels that are themselves partly wrong.

The labels of val are as noisy as those of train, and a model measured against them looks worse than it is. So a label
is taken as drawn from the truth through noise: with probability `noise` it is another class, any of them (Natarajan et
al., 2013; the forward correction of Patrini et al., 2017). Temperature (Guo et al., 2017) and noise are fitted together
by maximum likelihood; labels that people checked by hand count as free of noise and anchor both. Noise stays 0 unless
the labels clearly ask for it.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

Reals = npt.NDArray[np.float64]

MAX_NOISE = 0.6


def agreement(right: Reals, noise: Reals, classes: int) -> Reals:
    """Give the probability that the given label agrees with a class that is right with probability `right` [n]."""
    result: Reals = (1 - noise) * right + noise / max(classes - 1, 1) * (1 - right)
    return result


def fit_temperature(logits: Reals, labels: npt.NDArray[np.intp], trusted: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Fit (temperature, label noise) to logits [n, c], labels [n] and whether each was checked by hand [n]."""
    rows = np.arange(len(labels))
    classes = logits.shape[1]

    def loss(scale: float, noise: float) -> float:
        given = np.exp(log_softmax(logits * np.exp(-scale), axis=1)[rows, labels])
        seen = agreement(given, np.where(trusted, 0.0, noise), classes)
        return float(-np.log(np.maximum(seen, 1e-12)).sum())

    clean = _minimize(lambda point: loss(point[0], 0.0), [0.0], [(-4.0, 4.0)])
    noisy = _minimize(lambda point: loss(point[0], point[1]), [clean[0][0], 0.05], [(-4.0, 4.0), (0.0, MAX_NOISE)])
    worth = clean[1] - noisy[1] > 0.5 * np.log(max(len(labels), 2))  # BIC: one parameter more
    best = noisy[0] if worth else [clean[0][0], 0.0]
    return float(np.exp(best[0])), float(best[1])


def fit_confidence(features: Reals, agrees: npt.NDArray[np.bool_], noise: Reals, classes: int) -> Reals:
    """Fit weights [f + 1] of a logistic confidence to features [n, f]; the first is the scaled top's log-odds.

    `agrees` [n]: the given label is the predicted one; `noise` [n]: that row's label noise. The prior is centred on the
    temperature-scaled confidence itself (weight 1 on the first feature, 0 elsewhere), so that a small val set changes
    little. Weights are never negative: every feature says "surer" as it grows, and the calibrated confidence keeps its
    direction.
    """
    start = np.zeros(features.shape[1] + 1)
    start[0] = 1.0

    def loss(weights: Reals) -> float:
        sure = odds_to_probability(features @ weights[:-1] + weights[-1])
        seen = np.clip(agreement(sure, noise, classes), 1e-9, 1 - 1e-9)
        likelihood = np.where(agrees, np.log(seen), np.log1p(-seen)).sum()
        return float(-likelihood + 2.0 * ((weights - start) ** 2).sum())

    bounds = [(0.0, 10.0)] * features.shape[1] + [(-10.0, 10.0)]
    found: Reals = np.asarray(_minimize(loss, start, bounds)[0], dtype=np.float64)
    return found


def fit_noise(
    odds: Reals, agrees: npt.NDArray[np.bool_], trusted: npt.NDArray[np.bool_], classes: int, start: float
) -> float:
    """Fit label noise again, with a slope and a constant of its own for the confidence.

    `odds` [n]: log-odds of the temperature-scaled top. One temperature can't bring a network that learnt from noisy
    labels to certainty, and takes a part of the noise for doubt; a logistic curve with an upper asymptote can tell them
    apart.
    """

    def loss(point: Reals) -> float:
        sure = odds_to_probability(point[0] * odds + point[1])
        seen = np.clip(agreement(sure, np.where(trusted, 0.0, point[2]), classes), 1e-9, 1 - 1e-9)
        return float(-np.where(agrees, np.log(seen), np.log1p(-seen)).sum())

    found = _minimize(loss, [1.0, 0.0, start], [(0.0, 10.0), (-10.0, 10.0), (0.0, MAX_NOISE)])
    return float(found[0][2])


def corrected(agrees: npt.NDArray[np.bool_], noise: Reals, classes: int) -> Reals:
    """Undo label noise in agreement: values [n] whose mean is the share of right predictions, whatever the noise.

    The unbiased estimator of Natarajan et al. (2013): 0 or 1 without noise, a little below 0 or above 1 with it.
    """
    chance = noise / max(classes - 1, 1)
    result: Reals = (agrees - chance) / np.maximum(1 - noise - chance, 1e-6)
    return result


def odds_to_probability(odds: Reals) -> Reals:
    """Return the logistic function."""
    result: Reals = 1 / (1 + np.exp(-np.clip(odds, -40, 40)))
    return result


def _minimize(loss: Callable[..., float], start: object, bounds: list[tuple[float, float]]) -> tuple[Reals, float]:
    from scipy.optimize import minimize

    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B")
    return found.x, float(found.fun)
