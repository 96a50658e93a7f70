"""Test whether the pool differs from val and test, so that a precision that was measured on val does not hold there.

The tests are those of black-box shift detection (Lipton et al., 2018; Rabanser et al., 2019), on what the model says
of the images: the predicted classes, the confidence, and the OOD score, whose high values weigh most, since few foreign
images among many others show there. Together they give a false alarm for about 5 % of the pools that are like val
(Bonferroni). A difference that was not found may still be there: the tests often miss foreign images that look like
the classes, if they are a tenth of the pool. So a bound for the pool allows for that many (`low_in_pool`), and
benchmarks/pool_precision.py counts how often it holds.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.predict.ood import Answered

LEVEL = 0.05  # false alarms
FEWEST_HELD = 800  # images of val and test; with fewer, pools with far more foreign images than MISSED pass the tests
MISSED = 0.1  # share of foreign images that the tests may miss
FEWEST = 50  # images of the pool
MOST = 20_000
LEAST_EXPECTED = 5.0  # images of a class on each side, as the chi-squared test needs; smaller classes are put together


class Difference(NamedTuple):
    """What differs, and its p-value."""

    what: str
    p_value: float


@dataclass(frozen=True)
class Shift:
    """The differences that were found, or why there was no test."""

    differences: tuple[Difference, ...] = ()
    untested: str = ""

    def __str__(self) -> str:
        """Say why no precision is stated for the pool; "" when nothing speaks against it."""
        if self.untested:
            return self.untested
        found = ", ".join(f"{one.what} (p {one.p_value:.1g})" for one in self.differences)
        return f"the pool differs from val and test in {found} (a test with {LEVEL:.0%} false alarms)" if found else ""


def compare(like: Answered, pool: pd.DataFrame, classes: tuple[str, ...]) -> Shift:
    """Compare the answers for val and test with those for the pool.

    `pool` has the columns of IDENTIFIED; one image of each leak group is used, at most 20,000. `classes` are the names
    that `like.predicted` points into.
    """
    rows = pool.sort_values("image_id", kind="stable").drop_duplicates("leak_group").head(MOST)
    held = len(like.confidence)
    if not len(like.ood_score) or rows.ood_score.isna().any():
        return Shift(untested="the model has no OOD score, so foreign images would not be noticed")
    if held < FEWEST_HELD or len(rows) < FEWEST:
        return Shift(
            untested=f"too few images to compare the pool with val: {FEWEST_HELD} of val and test and {FEWEST} "
            f"of the pool are needed, and there are {held:,} and {len(rows):,}"
        )
    names = np.asarray(classes, dtype=object)[list(like.predicted)]
    found = [
        Difference("predicted classes", _same_shares(names, rows.label.to_numpy(dtype=object))),
        Difference("confidence", _same_law(like.confidence, rows.confidence)),
        Difference("OOD score", _farther(like.ood_score, rows.ood_score)),
    ]
    return Shift(tuple(one for one in found if one.p_value <= LEVEL / len(found)))


def low_in_pool(low: float) -> float:
    """The lower bound of a precision in a pool that passed the tests, from the bound `low` for images like val.

    A tenth of the pool may be foreign and pass. Foreign images are taken to reach a confidence no more often than
    others.
    """
    return low * (1 - MISSED)


def _same_law(first: tuple[float, ...], second: "pd.Series[float]") -> float:
    from scipy.stats import ks_2samp

    left, right = np.asarray(first, np.float32), second.to_numpy(np.float32)
    return float(ks_2samp(left, right, method="asymp").pvalue)


def _same_shares(first: NDArray[np.object_], second: NDArray[np.object_]) -> float:
    """P-value of the chi-squared test that two lists of names have the same shares."""
    from scipy.stats import chi2_contingency

    table = pd.crosstab(np.repeat([0, 1], [len(first), len(second)]), np.concatenate([first, second])).to_numpy()
    small = (np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum() < LEAST_EXPECTED).any(axis=0)
    merged = np.column_stack([table[:, ~small], table[:, small].sum(axis=1)]) if small.any() else table
    merged = merged[:, merged.sum(axis=0) > 0]
    return float(chi2_contingency(merged, correction=False).pvalue) if merged.shape[1] > 1 else 1.0


def _farther(first: tuple[float, ...], second: "pd.Series[float]") -> float:
    """P-value of Welch's test that the OOD scores in `second` are no higher, on the scale -log(1 - score).

    On this scale the scores of images like the held-back ones are exponential, so the highest scores count most.
    """
    from scipy.stats import ttest_ind

    left, right = (-np.log1p(-np.asarray(scores, np.float64)) for scores in (first, second))
    return float(ttest_ind(right, left, equal_var=False, alternative="greater").pvalue)
