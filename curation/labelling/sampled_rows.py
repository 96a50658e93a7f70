"""The rows of data/reviews.csv that say how images of the pool came to be labelled.

A file that moves from the pool to data/raw looks like a collected image afterwards. So before it moves, the log says
that a model proposed it, unless the log says already that it was drawn uniformly (`curate sample-pool`).
"""

from collections.abc import Iterable

import pandas as pd

from curation.decisions.fold import fold
from curation.labelling.accept import LabelError, Stamp
from curation.tables.codes import Sampled, Word


def drawn(log: pd.DataFrame) -> set[str]:
    """The images that were drawn uniformly. log: as `read_reviews` gives it."""
    held = fold(log)
    return set(held.loc[held["sampled"] == Sampled.UNIFORM, "image_id"])


def refuse_drawn(image_ids: Iterable[str], log: pd.DataFrame) -> None:
    """Raise LabelError when one of these images, which the model should name, was drawn to measure the model."""
    found = sorted(drawn(log).intersection(image_ids))
    if found:
        raise LabelError(
            f"{len(found)} of the undecided images were drawn by `curate sample-pool`, the first {found[0]}. They may "
            "be in test, and a model that names its own test images is always right. Let a person decide on them: push "
            "them to FiftyOne with `curate sample-pool --open --push`"
        )


def rows_of_proposed(image_ids: Iterable[str], log: pd.DataFrame, stamp: Stamp) -> list[dict[str, str]]:
    """A row `sampled:model` for each image of which the log does not say how it was chosen."""
    held = fold(log)
    told = set(held.loc[held["sampled"] != "", "image_id"])
    decision = f"{Word.SAMPLED}:{Sampled.MODEL}"
    return [stamp.row(image_id, decision) for image_id in sorted(set(image_ids) - told)]


def rows_of_drawn(image_ids: Iterable[str], stamp: Stamp, note: str) -> list[dict[str, str]]:
    """A row `sampled:uniform` for each image that was drawn."""
    return [stamp.row(image_id, f"{Word.SAMPLED}:{Sampled.UNIFORM}", note=note) for image_id in image_ids]
