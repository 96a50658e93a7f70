"""The questions that people ask of an unlabelled pool, as pure functions on the table `identified`.

Each takes the table (columns of IDENTIFIED) and returns some of its rows, best first. Equal rows stand in the order of
`image_id`.
"""

import numpy as np
import pandas as pd

from curation.errors import CurationError
from curation.pool.class_needs import Need


class QuestionError(CurationError):
    """A question about a class that the model does not know."""


def unknowns(table: pd.DataFrame, min_conf: float, label: str = "") -> pd.DataFrame:
    """Images that the model is at least that sure of, surest first; only of one class when it is named."""
    sure = readable(table)
    sure = sure[sure.confidence >= min_conf]
    if label:
        sure = sure[sure.label == label]
    return sure.sort_values(["confidence", "image_id"], ascending=[False, True], ignore_index=True)


def candidates(table: pd.DataFrame, needs: list[Need], min_conf: float, each: float = 2.0) -> pd.DataFrame:
    """For classes in need, the images that most probably show them: `each` times as many as a class misses.

    An image may be offered for its second guess too, and is offered once, to the class that it most probably shows; of
    twins only the surest is offered, and none with a labelled twin. Columns as in `table`, but label and confidence are
    those of the class offered; `missing` says how many the class is short of. Classes come in order of need.
    """
    short = {need.label: need for need in needs if need.missing}
    offers = guesses(readable(table))
    offers = offers[offers.label.isin(list(short)) & (offers.confidence >= min_conf) & (offers.known_twin == "")]
    offers = offers.sort_values(["confidence", "image_id"], ascending=[False, True])
    offers = offers.drop_duplicates("image_id").drop_duplicates("leak_group")
    offers["missing"] = offers.label.map({label: need.missing for label, need in short.items()}).astype(int)
    offers = offers[offers.groupby("label").cumcount() < np.ceil(offers.missing * each)]
    order = ["missing", "label", "confidence", "image_id"]
    result: pd.DataFrame = offers.sort_values(order, ascending=[False, True, False, True], ignore_index=True)
    return result


def guesses(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each image and each class among its top guesses, with that class's label and confidence."""
    long = table.drop(columns=["label", "confidence"]).assign(label=table.top_labels, confidence=table.top_confidences)
    long = long.explode(["label", "confidence"]).dropna(subset=["label"])
    return long.assign(confidence=long.confidence.astype(np.float64), label=long.label.astype(str))


def purgeable(table: pd.DataFrame, max_conf: float, min_out_of_scope: float = 0.5) -> pd.DataFrame:
    """Pool images with nothing worth labelling, emptiest first: no class above `max_conf`, and far from what is known.

    An unsure image near the training images is what labelling is for, so it is spared: out-of-scope must be at least
    `min_out_of_scope`. Images of other sources and unreadable files are never listed; nor are those with a labelled
    twin.
    """
    rows = readable(table)
    far = rows.out_of_scope.isna() | (rows.out_of_scope >= min_out_of_scope)
    rows = rows[(rows.source == "unlabelled") & (rows.confidence <= max_conf) & far & (rows.known_twin == "")]
    return rows.sort_values(["confidence", "image_id"], ignore_index=True)


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of images that could be read and scored."""
    return table[(table.error == "") & table.confidence.notna()]


def check_class(label: str, table: pd.DataFrame, known: set[str]) -> None:
    """Refuse a class that the model does not know; QuestionError names those it does."""
    names = known | set(table.label) - {""}
    if label and label not in names:
        some = ", ".join(sorted(names)[:12])
        raise QuestionError(f"the model has no class `{label}`; it knows {len(names)}: {some}")
