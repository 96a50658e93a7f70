"""Check of the groups of the metadata on the tables themselves, beside the rules of split_check.

It reads the values from IMAGES, and shares no code with what joins groups to leak groups.
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from curation.images.collection.metadata_columns import HELD, column
from curation.tables.codes import MEASURED_SPLITS, MODEL_SPLITS, Split

Rule = tuple[str, "pd.Series | list[str]"]


def broken_groups(
    images: pd.DataFrame, splits: pd.DataFrame, lineage: Mapping[str, str], group_by: Sequence[str]
) -> Iterator[Rule]:
    """The rules about groups, each with the ids of the images that break it.

    images: image_id and HELD of IMAGES, all of them. splits: image_id, split and fold of SPLITS.
    """
    if not set(HELD) <= set(images.columns):
        return
    parts = [images[["image_id"]].assign(value=name + "=" + column(images, name)) for name in group_by]
    parts = [part[part["value"] != f"{name}="] for name, part in zip(group_by, parts, strict=True)]
    told = pd.concat([images[["image_id"]].assign(value="").head(0), *parts])
    rows = told.merge(splits[["image_id", "split", "fold"]], on="image_id")
    in_split = rows[rows["split"].isin(MODEL_SPLITS)]
    apart = in_split.groupby("value")["split"].transform("nunique") > 1
    yield "no group of the metadata is in two splits", in_split.loc[apart, "image_id"]
    train = rows[rows["split"] == Split.TRAIN]
    folds = train.groupby("value")["fold"].transform("nunique") > 1
    yield "no group of the metadata is in two folds", train.loc[folds, "image_id"]
    learnt = told.loc[told["image_id"].map(lineage) == Split.TRAIN, "value"]
    fresh = in_split[in_split["image_id"].map(lineage) != Split.BENCHMARK]
    scored = fresh["value"].isin(learnt) & fresh["split"].isin(MEASURED_SPLITS)
    yield "no group that an earlier model was trained on is scored", fresh.loc[scored, "image_id"]
