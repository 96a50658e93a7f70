"""Warnings about groups of the metadata: classes that nothing measures, images that a benchmark keeps out, one giant.

Groups make an evaluation honest, and they cost something. A class whose images are all of one group can't be both
trained on and measured. So what they cost is said, with the setting that changes it.
"""

from collections.abc import Iterator

import pandas as pd

from curation.selection.copies.losses import LossWarning
from curation.tables.codes import Origin, Reason, Split, State

NEEDED = (Split.TRAIN, Split.VAL, Split.TEST)
NAMED = 5  # classes that are named; the others are counted
FEW = 4  # leak groups below which groups are why a class is in no val or test
LARGE = 0.2  # share of the kept images from which one leak group is named
SHOWN = 8


def of_groups(selection: pd.DataFrame, splits: pd.DataFrame) -> list[LossWarning]:
    """All warnings about groups, in a fixed order. selection, splits: the whole tables."""
    return [*_of_classes(splits), *_of_benchmark(selection), *_of_giants(selection)]


def _of_classes(splits: pd.DataFrame) -> Iterator[LossWarning]:
    rows = splits[splits["split"].isin(NEEDED) & (splits["origin"] == Origin.REAL)]
    found = []
    for label, part in rows[rows["label"].isin(rows.loc[rows["group"] != "", "label"])].groupby("label", sort=True):
        missing = [split.value for split in NEEDED if not (part["split"] == split).any()]
        groups = part["leak_group"].nunique()
        if missing and groups < FEW:
            these = "all of one group" if groups == 1 else f"of only {groups} groups"
            text = f"the {len(part):,} images of class `{label}` are {these}, so none is in {' or '.join(missing)}"
            fix = "images of other groups let it be measured; `split.group_by: []` in params.yaml parts its group, and "
            found.append(LossWarning(text, fix + "then test says too much", _some(part["image_id"])))
    yield from found[:NAMED]
    if len(found) > NAMED:
        yield LossWarning(f"{len(found) - NAMED:,} more classes have too few groups for train, val and test", "")


def _of_benchmark(selection: pd.DataFrame) -> Iterator[LossWarning]:
    rows = selection[selection["reason_code"] == Reason.GROUP_OF_BENCHMARK]
    if len(rows):
        groups = rows["group"].nunique()
        text = f"{len(rows):,} images are kept out, because a benchmark set holds their groups ({groups:,})"
        fix = "take those groups out of the set to train on them, or name other columns in `split.group_by`"
        yield LossWarning(text, fix, _some(rows["image_id"]))


def _of_giants(selection: pd.DataFrame) -> Iterator[LossWarning]:
    kept = selection[selection["state"] == State.KEPT]
    named = kept[kept["leak_group"].isin(kept.loc[kept["group"] != "", "leak_group"])]
    for leak_group, size in named["leak_group"].value_counts().sort_index().items():
        if size > LARGE * len(kept):
            rows = named[named["leak_group"] == leak_group]
            groups = rows.loc[rows["group"] != "", "group"].nunique()
            text = f"{size:,} of {len(kept):,} images are in one leak group (groups of the metadata in it: {groups:,})"
            fix = "fewer columns in `split.group_by` make smaller groups; `dedupe.leak_similarity` says what connects"
            yield LossWarning(text, fix, _some(rows["image_id"]))


def _some(image_ids: pd.Series) -> list[str]:
    return [str(one) for one in image_ids.sort_values().head(SHOWN)]
