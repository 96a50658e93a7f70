"""Cross-validation folds over train, from the same leak groups: for label-error scores and for small sets.

Groups are dealt like cards, class by class and large groups first, so that every fold has about as many of each class
(the greedy idea of scikit-learn's StratifiedGroupKFold, in one sorting instead of a search).
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params.blocks import Split
from curation.selection import hash_buckets


def assign(table: pd.DataFrame, knobs: Split) -> NDArray[np.int16]:
    """Fold int16 [n] of every row of SPLITS: 0 to folds - 1 in train, -1 elsewhere; whole groups."""
    folds = np.full(len(table), -1, dtype=np.int16)
    train = (table["split"] == "train").to_numpy()
    if knobs.folds < 2 or not train.any():
        return folds
    rows = table.loc[train, ["image_id", "leak_group", "label"]]
    groups = rows.groupby("leak_group", sort=True).agg(label=("label", "first"), size=("image_id", "size"))
    groups["lot"] = hash_buckets.uniform(groups.index, f"{knobs.salt}/folds")
    dealt = groups.sort_values(["label", "size", "lot"], ascending=[True, False, True])
    # Dealing goes on from class to class, so that small classes don't all begin with fold 0.
    fold = pd.Series(np.arange(len(dealt)) % knobs.folds, index=dealt.index)
    folds[train] = rows["leak_group"].map(fold).to_numpy()
    return folds
