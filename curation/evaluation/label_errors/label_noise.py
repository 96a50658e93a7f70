"""How much label noise there is, and of which kind: the noise that explains the given labels best.

The model has two kinds of noise. At one rate a label is replaced by any other class. At another rate it is replaced by
a class that is easily confused with the true one. Both rates and the weights of the pred_probs are fitted together by
maximum likelihood (the forward model of Natarajan et al. 2013 and Patrini et al. 2017). Fits with no noise, with one
kind and with both are averaged by Akaike weights (Akaike 1974, Burnham and Anderson 2002). Small probabilities in the
pred_probs explain some of the noise, so the estimated rate is rather too low than too high.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.evaluation.label_errors.pred_probs import Codes, Reals, pool, some

MOST_ROWS = 10_000
MOST_NOISE = 0.4
EVEN = 0.25  # share of the confusion kind that goes to all classes, so that no change of label is impossible
CONFUSION_COST = 4.0  # nats: the pairs of the confusion kind are estimated from the same pred_probs that they explain
FIRST = -2.0  # logit at which the search for a rate begins

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Weights of the models, and P(given | true) [true, given] of the estimated noise."""

    weights: NDArray[np.float64]
    transitions: Matrix
    even: float = 1.0  # share of the noise that affects all classes equally

    @property
    def rate(self) -> float:
        """Mean probability that a label is wrong."""
        return float(1 - np.diag(self.transitions).mean())


def fit_noise(log_probs: Sequence[Reals], labels: Codes, chosen: NDArray[np.bool_], seed: int) -> Noise:
    """Fit weights and noise to the `chosen` rows (at most 10,000) of log_probs float [n, c] and labels int [n]."""
    rows = some(np.flatnonzero(chosen), MOST_ROWS, seed)
    parts, given = np.stack([log_prob[rows] for log_prob in log_probs]), labels[rows]
    classes = parts.shape[2]
    plain, best = _fit(parts, given, [])
    likely = pool(list(parts), plain[: len(parts)])
    kinds = [_uniform(classes), _confusion(likely)]
    fits = [(plain, np.zeros(len(kinds)), best)]
    for used in ([0], [1], [0, 1]):
        found, cost = _fit(parts, given, [kinds[kind] for kind in used])
        rates = np.zeros(len(kinds))
        rates[used] = found[len(parts) :]
        fits.append((found[: len(parts)], rates, cost + (CONFUSION_COST if 1 in used else 0)))
    weights, rates = _average(fits)
    off = np.tensordot(rates, np.stack(kinds), axes=1)
    even = float(rates[0] / rates.sum()) if rates.sum() > 0 else 1.0
    return Noise(weights, off + (1 - rates.sum()) * np.eye(classes), even)


def _average(fits: list[tuple[NDArray[np.float64], NDArray[np.float64], float]]) -> tuple[NDArray[np.float64], ...]:
    """Mean (weights, rates) of the fits, by their Akaike weights (Burnham and Anderson 2002)."""
    costs = np.array([cost for _, _, cost in fits])
    shares = np.exp(costs.min() - costs)
    shares /= shares.sum()
    return tuple(np.tensordot(shares, np.stack([fit[part] for fit in fits]), axes=1) for part in (0, 1))


def wrong_given(likely: Matrix, labels: Codes, transitions: Matrix) -> NDArray[np.float64]:
    """P(the given label is wrong) [n] from P(true class) [n, c], by Bayes' rule."""
    through = likely * transitions[:, labels].T
    kept = through[np.arange(len(labels)), labels]
    return np.asarray(1 - kept / np.maximum(through.sum(axis=1), 1e-300))


def _fit(parts: Reals, labels: Codes, kinds: list[Matrix]) -> tuple[NDArray[np.float64], float]:
    """Weights then rates, and their AIC (in nats, half of the usual), from log log_probs [o, n, c]."""
    from scipy.optimize import minimize

    count, rows = len(parts), np.arange(len(labels))
    wide = parts.astype(np.float64)
    noises = [np.ascontiguousarray(kind[:, labels].T) for kind in kinds]

    def cost(free: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights, rates = weigh(free[: count + 1]), _rates(free[count + 1 :])
        likely = pool(list(wide), weights)
        spread = np.full(likely.shape, 0.0)
        for rate, noise in zip(rates, noises, strict=True):
            spread += rate * noise
        spread[rows, labels] += 1 - rates.sum()
        seen = np.maximum((likely * spread).sum(axis=1), 1e-300)
        # d log(seen) / d weight = E[log_prob | given] - E[log_prob]
        after = likely * spread / seen[:, None]
        by_weight = np.array([((after - likely) * log_prob).sum(axis=1).mean() for log_prob in wide])
        by_share = weights * (by_weight - (weights @ by_weight) / weights.sum())
        by_total = (weights @ by_weight) * (1 - 1 / weights.sum())
        own = likely[rows, labels]
        by_rate = [(((likely * noise).sum(axis=1) - own) / seen).mean() for noise in noises]
        slope = rates * (1 - rates * max(len(kinds), 1) / MOST_NOISE)
        return float(-np.log(seen).mean()), -np.concatenate([by_share, [by_total], np.array(by_rate) * slope])

    start = np.concatenate([np.zeros(count), [-1.0], np.full(len(kinds), FIRST)])
    bounds = [(-4.0, 4.0)] * count + [(-9.0, 2.0)] + [(-9.0, 4.0)] * len(kinds)
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return np.concatenate([weigh(found.x[: count + 1]), _rates(found.x[count + 1 :])]), float(found.fun) * len(
        labels
    ) + len(kinds)


def weigh(free: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights from free numbers: shares of a total above 1.

    A total below 1 would flatten all probabilities and so explain noise as doubt, which fits separable classes as well.
    """
    shares = np.exp(free[:-1] - free[:-1].max())
    return np.asarray(shares / shares.sum() * (1 + np.exp(free[-1])))


def _rates(free: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(MOST_NOISE / (1 + np.exp(-free)) / max(len(free), 1))


def _uniform(classes: int) -> Matrix:
    return np.asarray((np.ones((classes, classes)) - np.eye(classes)) / max(classes - 1, 1))


def _confusion(likely: Matrix) -> Matrix:
    """P(other | class): how often both classes are likely for one image; a quarter of it is spread evenly."""
    both = likely.T @ likely
    np.fill_diagonal(both, 0)
    both += 1e-9
    np.fill_diagonal(both, 0)
    return np.asarray(EVEN * _uniform(len(both)) + (1 - EVEN) * both / both.sum(axis=1, keepdims=True))
