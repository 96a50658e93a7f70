"""The learning curve: the accuracy on val by the number of training images.

Models are trained on nested parts of train and measured on the same val. A power law with a floor (Hestness et al.,
2017) is fitted to the error. It estimates what more images would bring.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from curation.engine.progress import track
from curation.errors import CurationError
from curation.images.store.pixels import Pixels
from curation.params import Params
from curation.predict.held_out import train_and_predict
from curation.tables.codes import Split

EVERYTHING = "all classes"
SMALLEST_PART = 1 / 16


class CurveError(CurationError):
    """No curve can be made from the data."""


@dataclass(frozen=True)
class Law:
    """The fitted law: error = floor + scale * images ** -power."""

    floor: float
    scale: float
    power: float

    def accuracy(self, images: float) -> float:
        """Return the accuracy that the law expects with this number of images."""
        return float(1 - min(1.0, self.floor + self.scale * images**-self.power))


def learning_curve(splits: pd.DataFrame, pixels: Pixels, params: Params, points: int) -> pd.DataFrame:
    """Return the accuracy on val by the number of training images, one row for each part and class.

    The columns are class, images and accuracy. The parts are nested, take the same share of every class, and grow
    geometrically up to all of train.
    """
    from curation.model.training.examples import classes_of

    classes = classes_of(splits)
    train, val = (splits[splits["split"] == split] for split in (Split.TRAIN, Split.VAL))
    val = val[val["label"].isin(classes)]
    if val.empty:
        raise CurveError("no image of today's classes is in val: raise `split.val`")
    rows = []
    for share in track(np.geomspace(SMALLEST_PART, 1, points), points, "learning curve", "trainings"):
        part = nested_part(train, float(share), params.seed)
        # Fewer images make fewer steps: small parts are given more epochs, or the curve would show haste, not lack.
        longer = params.model_copy(update={"epochs": round(params.epochs * share**-0.5)})
        answers = train_and_predict(part, val, classes, pixels, longer)
        counts = part["label"].value_counts()
        rows.append((EVERYTHING, len(part), float(answers.right.mean())))
        rows += [
            (label, int(counts[label]), float(answers.right[answers.labels == number].mean()))
            for number, label in enumerate(classes)
            if (answers.labels == number).any()
        ]
    return pd.DataFrame(rows, columns=["class", "images", "accuracy"])


def nested_part(train: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Return a share of every class, at least 2 images.

    A larger share contains every smaller one, for any order of the rows.
    """
    ordered = train.sort_values("image_id", kind="stable")
    ordered = ordered.assign(_draw=np.random.default_rng(seed).permutation(len(ordered)))
    place = ordered.groupby("label")["_draw"].rank(method="first")
    wanted = (ordered.groupby("label")["_draw"].transform("size") * share).round().clip(lower=2)
    return ordered[place <= wanted].drop(columns="_draw")


def fit_law(images: Sequence[float], accuracy: Sequence[float]) -> Law:
    """Fit the power law to at least 3 measured points with equal weights. CurveError when there are fewer."""
    from scipy.optimize import OptimizeWarning, curve_fit

    if len(images) < 3:
        raise CurveError("a learning curve needs at least 3 points: raise --points")
    sizes, errors = np.asarray(images, dtype=float), 1 - np.asarray(accuracy, dtype=float)
    smallest = sizes.min()
    start = (errors.min() / 2, max(errors.max() - errors.min() / 2, 1e-3), 0.5)
    bounds = ([0, 0, 0.01], [1, 10, 2])
    # In units of the smallest part the three numbers are of the same order, which the optimiser likes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OptimizeWarning)  # points on a line: the law fits, its spread is unknown
        (floor, scale, power), _ = curve_fit(
            lambda n, c, a, b: c + a * (n / smallest) ** -b, sizes, errors, p0=start, bounds=bounds, maxfev=20_000
        )
    return Law(float(floor), float(scale * smallest**power), float(power))
