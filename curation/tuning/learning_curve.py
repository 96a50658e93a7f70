"""The learning curve: the accuracy on val by the number of training images.

Models are trained on nested parts of train and measured on the same val, once for each of several seeds, which also
choose the parts. A power law is fitted to the error and estimates what more images would bring. Its range comes from
resampled leak groups of val and from the spread between the seeds (`curve_range`). Every training starts from weights
that have seen no image, or the small parts would profit from a base model that has seen all of train.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.engine.progress import track
from curation.evaluation.prediction_facts import groups_of
from curation.evaluation.uncertainty.intervals import Groups
from curation.images.store.pixels import Pixels
from curation.params import Params
from curation.predict.held_out import train_and_predict, unseen_start
from curation.tables.codes import Split
from curation.tuning.power_law import CurveError

EVERYTHING = "all classes"
SMALLEST_PART = 1 / 16


@dataclass(frozen=True)
class Curve:
    """The answers of all trainings on the images of val, and what they were started from."""

    images: dict[str, list[int]]  # of each class and EVERYTHING: the number of images in each part
    right: NDArray[np.bool_]  # [seeds, parts, images of val]
    labels: NDArray[np.int64]  # [images of val] index of the class
    groups: Groups  # [images of val]
    classes: tuple[str, ...]
    cold: bool
    start: str  # in words

    def rows_of(self, name: str) -> NDArray[np.int64]:
        """The images of val of a class, or all of them for EVERYTHING."""
        if name == EVERYTHING:
            return np.arange(len(self.labels))
        return np.flatnonzero(self.labels == self.classes.index(name))


def learning_curve(
    splits: pd.DataFrame, pixels: Pixels, params: Params, parts: tuple[int, int], scratch: Path
) -> Curve:
    """Train on nested parts of train, and answer val.

    - parts: the number of parts, and of seeds. The parts of a seed take the same share of every class, and grow
      geometrically up to all of train
    - scratch: a folder for a fresh backbone
    """
    from curation.model.training.examples import classes_of

    points, seeds = parts
    classes = classes_of(splits)
    train, val = (splits[splits["split"] == split] for split in (Split.TRAIN, Split.VAL))
    val = val[val["label"].isin(classes)].sort_values("image_id", kind="stable", ignore_index=True)
    if val.empty:
        raise CurveError("no image of today's classes is in val: raise `split.val`")
    shares = np.geomspace(SMALLEST_PART, 1, points)
    right = np.zeros((seeds, points, len(val)), bool)
    images: dict[str, list[int]] = {name: [] for name in (EVERYTHING, *classes)}
    for step in track(range(seeds * points), seeds * points, "learning curve", "trainings"):
        number, place = divmod(step, points)
        seeded = params.model_copy(update={"seed": params.seed + number})
        if not place:
            start = unseen_start(pd.concat([train, val])["image_id"], seeded, scratch)
        share = float(shares[place])
        part = nested_part(train, share, seeded.seed)
        # Fewer images make fewer steps: small parts are given more epochs, or the curve would show haste, not lack.
        longer = start.params.model_copy(update={"epochs": round(params.epochs * share**-0.5)})
        answers = train_and_predict(part, val, classes, pixels, longer)
        right[number, place] = answers.right
        if not number:
            counts = part["label"].value_counts()
            images[EVERYTHING].append(len(part))
            for label in classes:
                images[label].append(int(counts[label]))
    return Curve(images, right, answers.labels, groups_of(val), classes, start.cold, start.words)


def nested_part(train: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """Return a share of every class, at least 2 images.

    A larger share contains every smaller one, for any order of the rows.
    """
    ordered = train.sort_values("image_id", kind="stable")
    ordered = ordered.assign(_draw=np.random.default_rng(seed).permutation(len(ordered)))
    place = ordered.groupby("label")["_draw"].rank(method="first")
    wanted = (ordered.groupby("label")["_draw"].transform("size") * share).round().clip(lower=2)
    return ordered[place <= wanted].drop(columns="_draw")
