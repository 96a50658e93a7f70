"""Check of the rules for splits on the tables themselves: `curate split --check`, also used by the property tests.

It shares no code with `select` and `split`. It reads what they wrote, and lists the images that break each rule.
Published data sets had copies of one image in two splits (Barz and Denzler 2020 for CIFAR), so such a check belongs to
the data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from curation import tables
from curation.images.collection.metadata_columns import HELD
from curation.params import Params
from curation.project import Reader
from curation.selection.class_limits import Limits
from curation.selection.groups.group_check import Rule, broken_groups
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import MEASURED_SPLITS, MODEL_SPLITS, Origin, Reason, Sampled, Split, State

SCORED = (State.KEPT, State.RESERVE, State.UNKNOWN, State.CONFLICT, State.BENCHMARK)
FROM_SELECTION = ["image_id", "label", "origin", "leak_group", "state", "reason_code", "reason", "sampled"]
FROM_SPLITS = ["image_id", "label", "origin", "leak_group", "split", "benchmark_set", "fold", "reason"]


@dataclass(frozen=True)
class Round:
    """What one run of the pipeline wrote: its tables, its parameters, and the lineage of its base model."""

    images: pd.DataFrame  # IMAGES: image_id; HELD where groups of the metadata are checked, too
    duplicates: pd.DataFrame  # DUPLICATES: image_id, keeper, leak_group
    selection: pd.DataFrame  # FROM_SELECTION of SELECTION
    splits: pd.DataFrame  # FROM_SPLITS of SPLITS
    params: Params
    lineage: Mapping[str, str]

    @classmethod
    def read(cls, reader: Reader, lineage: Mapping[str, str]) -> "Round":
        """Read the round of the working tree or of a revision; `lineage` is that of its base model."""
        return cls(
            images=reader.table(tables.IMAGES, ["image_id", *HELD]),
            duplicates=reader.table(tables.DUPLICATES, ["image_id", "keeper", "leak_group"]),
            selection=reader.table(tables.SELECTION, FROM_SELECTION),
            splits=reader.table(tables.SPLITS, FROM_SPLITS),
            params=reader.params(),
            lineage=lineage,
        )


@dataclass(frozen=True)
class Verdict:
    """One rule, how many images break it, and which ones (ids, sorted)."""

    rule: str
    broken: list[str]

    @property
    def holds(self) -> bool:
        """Whether nothing breaks it."""
        return not self.broken


def verdicts(found: Round) -> list[Verdict]:
    """Judge every rule on one round."""
    rules = [*_accounted(found), *_apart(found), *_inherited(found), *_counts(found)]
    rules += broken_groups(found.images, found.splits, found.lineage, found.params.split.group_by)
    return [Verdict(rule, sorted(map(str, set(broken)))) for rule, broken in rules]


def _accounted(found: Round) -> Iterator[Rule]:
    selection, splits = found.selection, found.splits
    ids = set(found.images["image_id"])
    yield (
        "every image has exactly one row in the selection",
        [
            *(ids ^ set(selection["image_id"])),
            *selection.loc[selection["image_id"].duplicated(), "image_id"],
        ],
    )
    unexplained = (selection["state"] != State.KEPT) & (selection["reason"] == "")
    yield "every image that is not kept has a reason", selection.loc[unexplained, "image_id"]
    scored = set(selection.loc[selection["state"].isin(SCORED), "image_id"])
    yield "every image that can be scored has a split", list(scored - set(splits["image_id"]))
    yield "every row of the splits has a reason", splits.loc[splits["reason"] == "", "image_id"]
    copies = found.duplicates.merge(selection[["image_id", "reason_code"]], on="image_id")
    copies = copies[(copies["keeper"] != copies["image_id"]) & (copies["reason_code"] == Reason.COPY)]
    keepers = selection.set_index("image_id")["state"].reindex(copies["keeper"], fill_value="")
    small = selection.set_index("image_id")["reason_code"].reindex(copies["keeper"]) == Reason.BELOW_MINIMUM
    lost = ~(keepers.isin(SCORED) | small).to_numpy()
    yield "every removed copy has a keeper that stays itself", copies.loc[lost, "image_id"]


def _apart(found: Round) -> Iterator[Rule]:
    splits = found.splits[found.splits["split"].isin(MODEL_SPLITS)]
    clusters = splits.merge(found.duplicates[["image_id", "keeper"]], on="image_id")
    for name, frame, column in (("leak group", splits, "leak_group"), ("cluster of copies", clusters, "keeper")):
        apart = frame.groupby(column)["split"].transform("nunique") > 1
        yield f"no {name} is in two splits", frame.loc[apart, "image_id"]
    by_bucket = splits[splits["benchmark_set"].isin(["", "frozen"])]
    unreal = (by_bucket["origin"] != Origin.REAL) & by_bucket["split"].isin(MEASURED_SPLITS)
    yield "staged and synthetic images are only trained on", by_bucket.loc[unreal, "image_id"]
    chosen = found.selection.loc[found.selection["sampled"] == Sampled.MODEL, "image_id"]
    new = by_bucket["image_id"].isin(chosen) & ~by_bucket["image_id"].isin(found.lineage)
    yield (
        "what a model chose from the pool is only trained on",
        by_bucket.loc[new & by_bucket["split"].isin(MEASURED_SPLITS), "image_id"],
    )
    train = splits[splits["split"] == Split.TRAIN]
    yield "nothing unknown is trained on", train.loc[train["label"].isin([UNKNOWN, ""]), "image_id"]
    folds = train.groupby("leak_group")["fold"].transform("nunique") > 1
    yield "no leak group is in two folds", train.loc[folds, "image_id"]


def _inherited(found: Round) -> Iterator[Rule]:
    splits = found.splits
    before = _inherited_split(splits, found.lineage)
    seen = before == Split.TRAIN
    yield (
        "nothing an earlier model was trained on is scored",
        splits.loc[seen & splits["split"].isin(MEASURED_SPLITS), "image_id"],
    )
    trained_on = _inherited_split(found.selection, found.lineage) == Split.TRAIN
    groups = found.selection.loc[trained_on, "leak_group"]
    fresh = splits["split"].isin(MEASURED_SPLITS) & (before != Split.BENCHMARK) & splits["leak_group"].isin(groups)
    yield "nor any copy of it, except the frozen benchmark", splits.loc[fresh, "image_id"]
    moved = before.isin([Split.VAL, Split.TEST]) & splits["split"].isin(MODEL_SPLITS) & (splits["split"] != before)
    moved &= ~((splits["split"] == Split.BENCHMARK) & (splits["benchmark_set"] != "frozen"))
    yield "val and test images of earlier models stay there", splits.loc[moved, "image_id"]
    selection = found.selection
    frozen = selection[_inherited_split(selection, found.lineage) == Split.BENCHMARK]
    frozen = frozen[~frozen["reason_code"].isin([Reason.REMOVED, Reason.UNREADABLE])]
    there = set(splits.loc[splits["split"] == Split.BENCHMARK, "image_id"])
    yield "the benchmark of earlier models is whole", list(set(frozen["image_id"]) - there)


def _inherited_split(frame: pd.DataFrame, lineage: Mapping[str, str]) -> pd.Series:
    return pd.Series([lineage.get(image, "") for image in frame["image_id"]], index=frame.index, dtype="str")


def _counts(found: Round) -> Iterator[Rule]:
    selection, params = found.selection, found.params
    standing = selection[selection["state"].isin([State.KEPT, State.RESERVE])]
    counted = standing[standing["origin"] == Origin.REAL] if params.cutoff.count == "real" else standing
    have = counted["label"].value_counts().reindex(standing["label"], fill_value=0).to_numpy()
    least = Limits(params, "min").of(standing["label"])
    yield "every class of the model has its minimum", standing.loc[have < least, "image_id"]
    kept = selection[selection["state"] == State.KEPT]
    most = Limits(params, "max").of(kept["label"])
    over = kept["label"].value_counts().reindex(kept["label"], fill_value=0).to_numpy() > most
    yield "no class has more than its maximum", kept.loc[over, "image_id"]


def changes(before: Round, after: Round) -> pd.DataFrame:
    """Images that changed their split: image_id, label, before, after, why; sorted by the change, then by image_id.

    An image that is in no split is named by its state in the selection; one that is not there at all is "absent".
    """
    old, new = _states(before), _states(after)
    both = old.add_suffix("_before").join(new.add_suffix("_after"), how="outer").fillna("")
    both = both.replace({"split_before": {"": "absent"}, "split_after": {"": "absent"}})
    moved = both[(both["split_before"] != both["split_after"]) & (both["split_before"] != "absent")]
    gone = moved["split_after"] == "absent"
    return pd.DataFrame(
        {
            "image_id": moved.index.astype("str"),
            "label": moved["label_after"].where(~gone, moved["label_before"]).to_numpy(),
            "before": moved["split_before"].to_numpy(),
            "after": moved["split_after"].to_numpy(),
            "why": moved["reason_after"].where(~gone, "no longer in the collection").to_numpy(),
        }
    ).sort_values(["before", "after", "image_id"], ignore_index=True)


def _states(found: Round) -> pd.DataFrame:
    selection = found.selection.set_index("image_id")[["state", "label", "reason"]].rename(columns={"state": "split"})
    splits = found.splits.set_index("image_id")[["split", "label", "reason"]]
    return pd.concat([splits, selection[~selection.index.isin(splits.index)]])
