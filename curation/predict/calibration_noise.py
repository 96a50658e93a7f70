"""Fit a calibration to labels of which some are wrong.

The labels of val have the same noise as those of train, so a model that is measured against them looks worse than it
is. The noise model is this: with probability `noise` the given label is another class than the true one, and each other
class is equally likely (Natarajan et al., 2013; the forward correction of Patrini et al., 2017). Temperature (Guo et
al., 2017) and noise are fitted together by maximum likelihood. Labels that people checked count as free of noise. The
noise stays 0 unless the Bayesian information criterion prefers a model with noise.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

Reals = npt.NDArray[np.float64]

MAX_NOISE = 0.6
ONE_SIDED = 1.3527  # half of the 90 % quantile of chi-squared with 1 degree of freedom


def agreement(right: Reals, noise: Reals, classes: int) -> Reals:
    """Return the probability [n] that the given label agrees with a prediction; `right` [n] is that it is right."""
    result: Reals = (1 - noise) * right + noise / max(classes - 1, 1) * (1 - right)
    return result


def fit_temperature(logits: Reals, labels: npt.NDArray[np.intp], trusted: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return (temperature, label noise) for logits [n, c] and labels [n].

    `trusted` [n] is True where a person checked the label.
    """
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
    """Return the weights [f + 1] of a logistic confidence for features [n, f]; the last weight is the constant.

    - features: the first column is the log-odds of the temperature-scaled top probability
    - agrees: [n] True where the given label is the predicted one
    - noise: [n] the label noise of each row

    The prior is the temperature-scaled confidence itself: weight 1 on the first feature and 0 on the others. So a small
    val set changes little. Weights are never negative, so a larger feature never lowers the confidence.
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
) -> tuple[float, float]:
    """Fit the label noise again, together with a slope and a constant of the confidence.

    Returns the noise, and its lower limit at 95 % by profile likelihood. `odds` [n] are the log-odds of the
    temperature-scaled top probability. One temperature can't make a network that learnt from noisy labels certain, so
    `fit_temperature` reads a part of the noise as low confidence. A logistic curve with an upper asymptote can separate
    the two.
    """

    def loss(point: Reals, noise: float) -> float:
        sure = odds_to_probability(point[0] * odds + point[1])
        seen = np.clip(agreement(sure, np.where(trusted, 0.0, noise), classes), 1e-9, 1 - 1e-9)
        return float(-np.where(agrees, np.log(seen), np.log1p(-seen)).sum())

    line = [(0.0, 10.0), (-10.0, 10.0)]
    found, best = _minimize(lambda point: loss(point[:2], point[2]), [1.0, 0.0, start], [*line, (0.0, MAX_NOISE)])
    low, high = 0.0, float(found[2])
    if _minimize(lambda point: loss(point, 0.0), found[:2], line)[1] <= best + ONE_SIDED:
        return float(found[2]), 0.0
    for _ in range(12):
        middle = (low + high) / 2
        inside = _minimize(lambda point, noise=middle: loss(point, noise), found[:2], line)[1] <= best + ONE_SIDED
        low, high = (low, middle) if inside else (middle, high)
    return float(found[2]), low


def odds_to_probability(odds: Reals) -> Reals:
    """Return the logistic function of log-odds."""
    result: Reals = 1 / (1 + np.exp(-np.clip(odds, -40, 40)))
    return result


def _minimize(loss: Callable[..., float], start: object, bounds: list[tuple[float, float]]) -> tuple[Reals, float]:
    from scipy.optimize import minimize

    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B")
    return found.x, float(found.fun)
