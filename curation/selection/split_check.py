"""The promises about splits, proved on the tables themselves: `curate split --check`, the judge of the property tests.

It shares no rule with `select` and `split`: it reads what they wrote and counts what breaks each promise. Datasets that
were published with twins on both sides (Barz and Denzler 2020 for CIFAR) show why such a check belongs beside the data.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from curation import tables
from curation.decisions.fold import resolve_merges
from curation.params import Params
from curation.project import Reader
from curation.selection.class_limits import Limits
from curation.selection.reasons import REMOVED, UNREADABLE
from curation.tables.class_names import UNKNOWN

SIDES = ["train", "val", "test", "benchmark"]
EVALUATION = SIDES[1:]
SCORED = ["kept", "reserve", "unknown", "benchmark"]


@dataclass(frozen=True)
class Round:
    """What one run of the pipeline left: its tables, its knobs, and the lineage of its base model."""

    images: pd.DataFrame  # IMAGES: image_id is enough
    duplicates: pd.DataFrame  # DUPLICATES: image_id, keeper, leak_group
    selection: pd.DataFrame
    splits: pd.DataFrame
    params: Params
    lineage: Mapping[str, str]

    @classmethod
    def read(cls, reader: Reader, lineage: Mapping[str, str]) -> "Round":
        """Read the round of the working tree or of a revision; `lineage` is that of its base model."""
        return cls(
            images=reader.table(tables.IMAGES, ["image_id", "path"]),
            duplicates=reader.table(tables.DUPLICATES, ["image_id", "keeper", "leak_group"]),
            selection=reader.table(tables.SELECTION),
            splits=reader.table(tables.SPLITS),
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
    return [Verdict(rule, sorted(map(str, set(broken)))) for rule, broken in rules]


Rule = tuple[str, "pd.Series | list[str]"]


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
    mute = (selection["state"] != "kept") & (selection["reason"] == "")
    yield "every image that is not kept has a reason", selection.loc[mute, "image_id"]
    scored = set(selection.loc[selection["state"].isin(SCORED), "image_id"])
    yield "every image that can be scored has a split", list(scored - set(splits["image_id"]))
    yield "every row of the splits has a reason", splits.loc[splits["reason"] == "", "image_id"]
    twins = found.duplicates.merge(selection[["image_id", "state", "reason"]], on="image_id")
    twins = twins[(twins["keeper"] != twins["image_id"]) & twins["reason"].str.match("twin of [0-9a-f]+$")]
    keepers = selection.set_index("image_id")["state"].reindex(twins["keeper"], fill_value="")
    small = selection.set_index("image_id")["reason"].reindex(twins["keeper"]).str.startswith("class `")
    lost = ~(keepers.isin(SCORED) | small).to_numpy()
    yield "every removed twin has a keeper that stays itself", twins.loc[lost, "image_id"]


def _apart(found: Round) -> Iterator[Rule]:
    splits = found.splits[found.splits["split"].isin(SIDES)]
    stars = splits.merge(found.duplicates[["image_id", "keeper"]], on="image_id")
    for name, frame, column in (("leak group", splits, "leak_group"), ("star of twins", stars, "keeper")):
        torn = frame.groupby(column)["split"].transform("nunique") > 1
        yield f"no {name} is on two sides", frame.loc[torn, "image_id"]
    drawn = splits[splits["benchmark_set"].isin(["", "frozen"])]
    unreal = (drawn["origin"] != "real") & drawn["split"].isin(EVALUATION)
    yield "staged and synthetic images are only trained on", drawn.loc[unreal, "image_id"]
    train = splits[splits["split"] == "train"]
    yield "nothing unknown is trained on", train.loc[train["label"].isin([UNKNOWN, ""]), "image_id"]
    folds = train.groupby("leak_group")["fold"].transform("nunique") > 1
    yield "no leak group is in two folds", train.loc[folds, "image_id"]


def _inherited(found: Round) -> Iterator[Rule]:
    splits = found.splits
    before = _inherited_side(splits, found.lineage)
    seen = before == "train"
    yield (
        "nothing an ancestor was trained on is scored",
        splits.loc[seen & splits["split"].isin(EVALUATION), "image_id"],
    )
    taught = _inherited_side(found.selection, found.lineage) == "train"
    groups = found.selection.loc[taught, "leak_group"]
    fresh = splits["split"].isin(EVALUATION) & (before != "benchmark") & splits["leak_group"].isin(groups)
    yield "nor any twin of it, but for the frozen benchmark", splits.loc[fresh, "image_id"]
    moved = before.isin(["val", "test"]) & splits["split"].isin(SIDES) & (splits["split"] != before)
    moved &= ~((splits["split"] == "benchmark") & (splits["benchmark_set"] != "frozen"))
    yield "val and test images of earlier models stay there", splits.loc[moved, "image_id"]
    selection = found.selection
    frozen = selection[_inherited_side(selection, found.lineage) == "benchmark"]
    frozen = frozen[~frozen["reason"].str.startswith((REMOVED, UNREADABLE))]
    there = set(splits.loc[splits["split"] == "benchmark", "image_id"])
    yield "the benchmark of earlier models is whole", list(set(frozen["image_id"]) - there)


def _inherited_side(frame: pd.DataFrame, lineage: Mapping[str, str]) -> pd.Series:
    return pd.Series([lineage.get(image, "") for image in frame["image_id"]], index=frame.index, dtype="str")


def _counts(found: Round) -> Iterator[Rule]:
    selection, params = found.selection, found.params
    ends = resolve_merges(params.classes.merge)
    standing = selection[selection["state"].isin(["kept", "reserve"])]
    counted = standing[standing["origin"] == "real"] if params.cutoff.count == "real" else standing
    have = counted["label"].value_counts().reindex(standing["label"], fill_value=0).to_numpy()
    least = Limits(params.cutoff, "min", ends).of(standing["label"])
    yield "every class of the model has its minimum", standing.loc[have < least, "image_id"]
    kept = selection[selection["state"] == "kept"]
    most = Limits(params.cutoff, "max", ends).of(kept["label"])
    over = kept["label"].value_counts().reindex(kept["label"], fill_value=0).to_numpy() > most
    yield "no class has more than its maximum", kept.loc[over, "image_id"]


def changes(before: Round, after: Round) -> pd.DataFrame:
    """Who is on another side, and why: image_id, label, before, after, why; sorted by the change, then by image_id.

    An image that is in no split is named by its state in the selection; one that is not there at all is "absent".
    """
    old, new = _sides(before), _sides(after)
    both = old.add_suffix("_before").join(new.add_suffix("_after"), how="outer").fillna("")
    both = both.replace({"side_before": {"": "absent"}, "side_after": {"": "absent"}})
    moved = both[(both["side_before"] != both["side_after"]) & (both["side_before"] != "absent")]
    gone = moved["side_after"] == "absent"
    return pd.DataFrame(
        {
            "image_id": moved.index.astype("str"),
            "label": moved["label_after"].where(~gone, moved["label_before"]).to_numpy(),
            "before": moved["side_before"].to_numpy(),
            "after": moved["side_after"].to_numpy(),
            "why": moved["reason_after"].where(~gone, "no longer in the collection").to_numpy(),
        }
    ).sort_values(["before", "after", "image_id"], ignore_index=True)


def _sides(found: Round) -> pd.DataFrame:
    selection = found.selection.set_index("image_id")[["state", "label", "reason"]].rename(columns={"state": "side"})
    splits = found.splits.set_index("image_id")[["split", "label", "reason"]].rename(columns={"split": "side"})
    return pd.concat([splits, selection[~selection.index.isin(splits.index)]])
