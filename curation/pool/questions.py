"""The questions that people ask about the unlabelled pool, as pure functions on the table IDENTIFIED.

Each function takes the table and returns some of its rows, best first. Rows of equal rank are sorted by `image_id`.
"""

import numpy as np
import pandas as pd

from curation.errors import CurationError
from curation.pool.class_needs import Need
from curation.predict.ood import GATE, foreign
from curation.tables.codes import Identified


class QuestionError(CurationError):
    """The question names a class that the model does not know."""


def unknowns(table: pd.DataFrame, min_conf: float, label: str = "", max_ood_score: float = GATE) -> pd.DataFrame:
    """Return the images with a confidence of at least `min_conf` that are not foreign, surest first.

    An image with an OOD score of `max_ood_score` or more is foreign; one without a score is not. With `label`, only the
    images of this class are returned.
    """
    sure = in_scope(readable(table), max_ood_score)
    sure = sure[sure.confidence >= min_conf]
    if label:
        sure = sure[sure.label == label]
    return sure.sort_values(["confidence", "image_id"], ascending=[False, True], ignore_index=True)


def candidates(table: pd.DataFrame, needs: list[Need], min_conf: float, each: float = 2.0) -> pd.DataFrame:
    """Return for each class in need the images that most probably show it: `each` times as many as it misses.

    Foreign images are left out. Every image is offered at most once, for the most probable of these classes, which may
    be its second guess. Of near-duplicates only the surest is offered, and none that has a labelled near-duplicate. The
    columns are those of `table`, where label and confidence are those of the offered class. The column `missing` says
    how many images the class needs. Classes come in the order of `needs`.
    """
    short = {need.label: need for need in needs if need.missing}
    offers = guesses(in_scope(readable(table)))
    offers = offers[offers.label.isin(list(short)) & (offers.confidence >= min_conf) & (offers.near_duplicate_of == "")]
    offers = offers.sort_values(["confidence", "image_id"], ascending=[False, True])
    offers = offers.drop_duplicates("image_id").drop_duplicates("leak_group")
    offers["missing"] = offers.label.map({label: need.missing for label, need in short.items()}).astype(int)
    offers = offers[offers.groupby("label").cumcount() < np.ceil(offers.missing * each)]
    order = ["missing", "label", "confidence", "image_id"]
    result: pd.DataFrame = offers.sort_values(order, ascending=[False, True, False, True], ignore_index=True)
    return result


def guesses(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each image and each of its top classes, with the label and confidence of that class."""
    long = table.drop(columns=["label", "confidence"]).assign(label=table.top_labels, confidence=table.top_confidences)
    long = long.explode(["label", "confidence"]).dropna(subset=["label"])
    return long.assign(confidence=long.confidence.astype(np.float64), label=long.label.astype(str))


def purgeable(table: pd.DataFrame, max_conf: float, min_ood_score: float = GATE) -> pd.DataFrame:
    """Return the pool images that are not worth labelling: low confidence in every class, and a high OOD score.

    An image is listed when no class is above `max_conf` and its OOD score is at least `min_ood_score` or unknown. An
    uncertain image near the training images is worth labelling, so it is not listed. Images of other sources,
    unreadable files and images with a labelled near-duplicate are never listed.
    """
    rows = readable(table)
    far = rows.ood_score.isna() | (rows.ood_score >= min_ood_score)
    rows = rows[
        (rows.source == Identified.UNLABELLED) & (rows.confidence <= max_conf) & far & (rows.near_duplicate_of == "")
    ]
    return rows.sort_values(["confidence", "image_id"], ignore_index=True)


def in_scope(table: pd.DataFrame, max_ood_score: float = GATE) -> pd.DataFrame:
    """Return the rows that the OOD gate keeps; an image without an OOD score is kept."""
    return table[~foreign(table.ood_score, max_ood_score)]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of images that could be read and scored."""
    return table[(table.error == "") & table.confidence.notna()]


def check_class(label: str, table: pd.DataFrame, known: set[str]) -> None:
    """Raise QuestionError, with the known classes, when the model does not know this class."""
    names = known | set(table.label) - {""}
    if label and label not in names:
        some = ", ".join(sorted(names)[:12])
        raise QuestionError(f"the model has no class `{label}`; it knows {len(names)}: {some}")
