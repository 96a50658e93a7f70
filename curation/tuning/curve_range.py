"""How sure a learning curve is: intervals of the measured points, and a range for what more images would bring.

The range has two parts: val is a sample, so its leak groups are resampled (bootstrap, Efron 1979), and a training is
one of many, so the spread between seeds is added. The law is fitted to each resampled curve. The range joins the
percentiles and the same percentiles mirrored at the estimate, because either alone is too narrow where the law is at
its bounds. For a gain these are percentiles further out: a fitted floor hides a part of what luck did to the slope.
benchmarks/learning_range.py counts how often the range holds the truth. It takes for granted that the
error goes on falling by a power law, and that more images are like those of train.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.uncertainty import intervals
from curation.evaluation.uncertainty.intervals import Groups, Interval
from curation.predict.proportions import effective_size
from curation.tuning.learning_curve import Curve
from curation.tuning.power_law import expected

TIMES = (1.5, 2.0, 4.0)  # times as many images
RESAMPLES = 400
LIMITS, GAIN_LIMITS = (2.5, 97.5), (0.5, 99.5)  # percentiles
COLUMNS = ["class", "images", "basis", "accuracy", "fitted", "low", "high", "gain", "gain_low", "gain_high"]

Reals = NDArray[np.float64]


def curve_rows(curve: Curve, name: str, seed: int) -> pd.DataFrame:
    """The measured points of a class (or of EVERYTHING) with intervals, and what the law expects of more images.

    The columns are COLUMNS. `gain` is the fitted accuracy minus that with today's images. The class must have an image
    in val.
    """
    rows = curve.rows_of(name)
    right, groups = curve.right[:, :, rows].astype(np.float64), curve.groups[rows]
    images = np.array(curve.images[name], np.float64)
    wanted = np.concatenate([images, np.round(images[-1] * np.array(TIMES))])
    limits, gains = _ranges(right, groups, images, wanted, seed)
    means = right.mean(axis=(0, 2))
    fitted = expected(images, means[None], wanted)[0]
    measured = [_interval(right[:, place], groups) for place in range(len(images))]
    frame = pd.DataFrame({"class": name, "images": wanted.astype(np.int64), "fitted": fitted})
    frame["basis"] = ["measured"] * len(images) + [f"{times:g} times" for times in TIMES]
    more = len(images)
    frame["accuracy"] = [*means.tolist(), *[None] * len(TIMES)]
    frame["low"] = [*(one.low for one in measured), *limits[0][more:]]
    frame["high"] = [*(one.high for one in measured), *limits[1][more:]]
    frame["gain"] = [*[None] * more, *(fitted[more:] - fitted[more - 1]).tolist()]
    frame["gain_low"], frame["gain_high"] = ([*[None] * more, *side[more:].tolist()] for side in gains)
    return frame[COLUMNS]


def _interval(right: Reals, groups: Groups) -> Interval:
    """95 % interval of the accuracy of such trainings. right: 0 or 1 [seeds, images]."""
    each = right.mean(axis=0)
    rate, seeds = float(each.mean()), len(right)
    between = float(right.mean(axis=1).var(ddof=1)) / seeds if seeds > 1 else 0.0
    within = float(each.var()) / effective_size(each, groups)
    spread = between + within
    most = effective_size(np.asarray(each > 0.5, np.float64), groups)
    size = min(rate * (1 - rate) / spread, most * seeds) if spread > 0 else most
    return intervals.of_share(rate, max(size, 1.0))


def _ranges(
    right: Reals, groups: Groups, images: Reals, wanted: Reals, seed: int
) -> tuple[tuple[Reals, Reals], tuple[Reals, Reals]]:
    """Limits [w] of the accuracy with `wanted` [w] images, and limits [w] of the gain over all images of train."""
    sampled = _resampled(right, groups, np.random.default_rng(seed))
    now = len(images) - 1
    here = expected(images, right.mean(axis=(0, 2))[None], wanted)[0]
    found = expected(images, sampled, wanted)
    low, high = _mirrored(found, here, LIMITS)
    gain_low, gain_high = _mirrored(found - found[:, [now]], here - here[now], GAIN_LIMITS)
    return (np.maximum(low, 0), np.minimum(high, 1)), (np.maximum(gain_low, 0), gain_high)


def _mirrored(found: Reals, estimate: Reals, limits: tuple[float, float]) -> tuple[Reals, Reals]:
    low, high = np.percentile(found, limits, axis=0)
    return np.minimum(low, 2 * estimate - high), np.maximum(high, 2 * estimate - low)


def _resampled(right: Reals, groups: Groups, generator: np.random.Generator) -> Reals:
    """Accuracies [b, parts] of resampled groups, with the spread between the seeds. right: [seeds, parts, images]."""
    seeds, parts, count = right.shape
    _, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(sizes), seeds * parts))
    np.add.at(sums, member, right.reshape(seeds * parts, count).T)
    weights = generator.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), size=RESAMPLES)
    accuracy = (weights @ sums / (weights @ sizes)[:, None]).reshape(RESAMPLES, seeds, parts).mean(axis=1)
    each = right.mean(axis=2)  # [seeds, parts]
    whole = each.mean(axis=0)
    chance = np.maximum(whole * (1 - whole), 1 / (4 * count))
    shared = (
        float((each.var(axis=0, ddof=1) / chance).mean()) if seeds > 1 else 0.0
    )  # over the parts, in units of p(1-p)
    luck = generator.normal(size=accuracy.shape) * np.sqrt(shared * chance / seeds)
    return np.asarray(np.clip(accuracy + luck, 0, 1))
