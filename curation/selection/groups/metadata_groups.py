"""Groups of the metadata (`split.group_by`) joined to the leak groups, so that no split, fold or benchmark parts them.

A patient, a product, an animal or a camera gives many images that share more than their class. A model that knows the
one half of them is measured too well on the other half (Kaufman et al. 2012, "Leakage in data mining"). Dedupe sees
only what looks alike; who or what an image is of, the metadata must say. scikit-learn's GroupKFold takes one such
column; here each column counts, and images with equal pixels connect groups.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from curation.errors import CurationError
from curation.images.collection.metadata_columns import column, column_names

USUAL = "group"  # may be named although no image has a value in it: it is the default


class GroupByError(CurationError):
    """`split.group_by` names a column that no image has."""


def joined_groups(frame: pd.DataFrame, images: pd.DataFrame, group_by: Sequence[str]) -> pd.DataFrame:
    """Join images with an equal value in a column of `group_by` to one leak group.

    frame: image_id and leak_group. images: image_id and HELD of IMAGES, for the same rows in the same order.
    Returns `frame` with a wider leak_group, named by the least of the leak groups in it, and with the column `group`:
    "column=value" of the last column of `group_by` in which the image has a value, "" where it has none.
    Raises GroupByError for a column that no image has.
    """
    _refuse_unknown(images, group_by)
    group = pd.Series("", index=frame.index, dtype="str")
    keys = []
    for name in group_by:
        values = column(images, name).set_axis(frame.index)
        keys.append((name + "=" + values).where(values != "", ""))
        group = group.where(values == "", keys[-1])
    return frame.assign(leak_group=_united(frame["leak_group"], keys), group=group)


def _refuse_unknown(images: pd.DataFrame, group_by: Sequence[str]) -> None:
    if set(group_by) <= {USUAL}:
        return
    there = column_names(images)
    unknown = [name for name in group_by if name not in {USUAL, *there}]
    if unknown:
        said = ", ".join(there) or "none"
        raise GroupByError(
            f"`split.group_by` in params.yaml names `{unknown[0]}`, and no image has a value in such a column of "
            f"metadata.csv. The columns there are: {said}"
        )


def _united(leak_groups: pd.Series, keys: Sequence[pd.Series]) -> pd.Series:
    """The leak group of each row after rows with equal keys are united; an empty key unites nothing."""
    rows = np.concatenate([np.flatnonzero((key != "").to_numpy(dtype=bool)) for key in keys] or [np.empty(0, int)])
    if not len(rows):
        return leak_groups
    from scipy.sparse import coo_array  # takes a moment, and projects without groups do not come here
    from scipy.sparse.csgraph import connected_components

    codes, names = pd.factorize(leak_groups, sort=True)
    told = np.concatenate([key[key != ""].to_numpy(dtype=object) for key in keys])
    key_codes, key_names = pd.factorize(told)
    size = len(names) + len(key_names)
    edges = coo_array((np.ones(len(rows), np.int8), (codes[rows], len(names) + key_codes)), shape=(size, size))
    component = connected_components(edges, directed=False)[1][: len(names)]
    first = np.full(component.max() + 1, len(names))
    np.minimum.at(first, component, np.arange(len(names)))  # names are sorted, so the least number is the least name
    return pd.Series(np.asarray(names, dtype=object)[first[component[codes]]], index=leak_groups.index, dtype="str")
