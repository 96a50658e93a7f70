"""Cross-validation folds over train, of whole leak groups: for label-error scores and for small data sets.

Groups are assigned to the folds in turn, class by class and large groups first, so that every fold has about equally
many images of each class. This is the greedy idea of scikit-learn's StratifiedGroupKFold, with one sort instead of a
search.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection import hash_buckets
from curation.tables import codes


def assign(table: pd.DataFrame, config: Split) -> NDArray[np.int16]:
    """Fold int16 [n] of every row of SPLITS: 0 to folds - 1 in train, -1 elsewhere. A group is in one fold."""
    folds = np.full(len(table), -1, dtype=np.int16)
    train = (table["split"] == codes.Split.TRAIN).to_numpy()
    if config.folds < 2 or not train.any():
        return folds
    rows = table.loc[train, ["image_id", "leak_group", "label"]]
    groups = rows.groupby("leak_group", sort=True).agg(label=("label", "first"), size=("image_id", "size"))
    groups["bucket"] = hash_buckets.buckets(groups.index, f"{config.salt}/folds")
    ordered = groups.sort_values(["label", "size", "bucket"], ascending=[True, False, True])
    # The turn goes on from class to class, so that small classes do not all begin with fold 0.
    fold = pd.Series(np.arange(len(ordered)) % config.folds, index=ordered.index)
    folds[train] = rows["leak_group"].map(fold).to_numpy()
    return folds
