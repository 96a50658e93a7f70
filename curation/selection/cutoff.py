"""Which images the model is made of: decisions applied, twins dropped, every class between its minimum and its maximum.

One pure function on tables. Nothing vanishes: every image of IMAGES comes out as one row with a state and, where it is
not kept, a reason a person can read. The first rule that applies gives the reason, in the order of `select`.
"""

from collections.abc import Mapping

import pandas as pd

from curation.images.labels import UNKNOWN, canonical
from curation.params import Params
from curation.params.blocks import Cutoff
from curation.selection import decisions, maximum, twins
from curation.tables import SELECTION


def select(images: pd.DataFrame, duplicates: pd.DataFrame, reviews: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Give every image its state: kept, reserve, unknown, benchmark, pool or dropped.

    images: IMAGES; duplicates: DUPLICATES; reviews: as `read_reviews` gives them. Returns SELECTION, by image_id.
    Raises ReviewsError for a relabel to no class, MergeError for a circle of merges.
    """
    images = images.sort_values("image_id", kind="stable", ignore_index=True)
    folded = decisions.fold(reviews)
    decisions.refuse_unknown_classes(folded, images, params)
    ends = decisions.resolve_merges(params.classes.merge)
    frame = twins.spread_decisions(twins.join(decisions.apply(images, folded), duplicates))
    frame["label"] = decisions.merged(frame["label"], ends)
    frame["state"], frame["reason"] = "", ""
    _set_aside(frame)
    _drop_twins(frame, _copies(images, ends))
    _below_minimum(frame, minimums(params, ends))
    _above_maximum(frame, images, params, ends)
    _mark(frame, frame["state"] == "", "kept", "")
    return frame[SELECTION.columns]


def minimums(params: Params, ends: Mapping[str, str]) -> "Limits":
    """The least number of images of each class."""
    return Limits(params.cutoff, "min", ends)


class Limits:
    """A lower or upper number for every class, with the exceptions of `cutoff.classes` under their merged names."""

    def __init__(self, cutoff: Cutoff, bound: str, ends: Mapping[str, str]) -> None:
        self.default = int(getattr(cutoff, bound))
        self.count = cutoff.count
        named = {canonical(label): limits for label, limits in cutoff.classes.items()}
        self.exceptions = {
            ends.get(label, label): int(limits[bound]) for label, limits in named.items() if bound in limits
        }

    def of(self, labels: pd.Series) -> pd.Series:
        """The number for each label, as integers."""
        return labels.map(lambda label: self.exceptions.get(label, self.default)).astype("int64")


def _mark(frame: pd.DataFrame, mask: pd.Series, state: str, reason: "str | pd.Series") -> None:
    """Settle the rows of `mask` that no earlier rule has settled."""
    mask = mask & (frame["state"] == "")
    frame.loc[mask, "reason"] = reason if isinstance(reason, str) else reason[mask]
    frame.loc[mask, "state"] = state


def _set_aside(frame: pd.DataFrame) -> None:
    """What is no candidate for training, whatever its twins and its class."""
    by = frame["who"].where(frame["who"] == "", " (" + frame["who"] + ")")
    _mark(frame, frame["error"] != "", "dropped", "unreadable: " + frame["error"])
    _mark(frame, frame["word"] == "remove", "dropped", "removed by review" + by)
    _mark(frame, frame["benchmark_set"] != "", "benchmark", "in the benchmark set `" + frame["benchmark_set"] + "`")
    frame.loc[(frame["state"] == "benchmark") & (frame["label"] == ""), "label"] = UNKNOWN
    pool = (frame["source"] == "unlabelled") & (frame["label"] == "")
    _mark(frame, pool, "pool", "nobody has labelled it")
    _mark(frame, frame["label"].isin([UNKNOWN, ""]), "unknown", "nobody knows what it shows")


def _drop_twins(frame: pd.DataFrame, copies: pd.DataFrame) -> None:
    """Twins of the benchmark, twins that contradict each other, twins of what was removed, and twins of a keeper."""
    frame["usable"] = (frame["state"] == "") & (frame["source"] != "benchmark")
    shown = frame.loc[frame["state"] == "benchmark"].drop_duplicates("leak_group").set_index("leak_group")["image_id"]
    twin = frame["leak_group"].map(shown)
    _mark(frame, twin.notna(), "dropped", "twin of the benchmark image " + twin.fillna("").str[:12])
    torn = twins.conflicts(frame, copies)
    _mark(frame, torn != "", "dropped", "label conflict: " + torn + ", until review decides")
    keeper = frame["keeper"].str[:12]
    removed = twins.redundant(frame, frame["word"] == "remove") & (frame["word"] == "")
    _mark(frame, removed, "dropped", "twin of " + keeper + ", which review removed")
    _mark(frame, twins.redundant(frame, frame["state"] == ""), "dropped", "twin of " + keeper)


def _copies(images: pd.DataFrame, ends: Mapping[str, str]) -> pd.DataFrame:
    """Label of every further file with the same bytes: image_id, label (merged)."""
    rows = images.loc[images["copy_labels"].str.len() > 0, ["image_id", "copy_labels"]].explode("copy_labels")
    labels = decisions.merged(rows["copy_labels"].astype("str"), ends)
    return pd.DataFrame({"image_id": rows["image_id"].to_numpy(), "label": labels.to_numpy()})


def _below_minimum(frame: pd.DataFrame, limits: Limits) -> None:
    standing = frame["state"] == ""
    counted = standing & ((frame["origin"] == "real") | (limits.count == "all"))
    number = frame["label"].map(frame.loc[counted, "label"].value_counts()).fillna(0).astype("int64")
    least = limits.of(frame["label"])
    reason = (
        "class `" + frame["label"] + "` has " + number.astype(str) + " of the " + least.astype(str) + " images it needs"
    )
    _mark(frame, number < least, "dropped", reason)


def _above_maximum(frame: pd.DataFrame, images: pd.DataFrame, params: Params, ends: Mapping[str, str]) -> None:
    standing = frame.index[frame["state"] == ""]
    most = Limits(params.cutoff, "max", ends).of(frame.loc[standing, "label"])
    spare = maximum.spare(frame.loc[standing], images.loc[standing, "hash"], most)
    rows = standing[spare]
    least = most[spare].astype(str)
    mask = pd.Series(frame.index.isin(rows), index=frame.index)
    reason = "class `" + frame.loc[rows, "label"] + "` is full at " + least
    _mark(frame, mask, "reserve", reason.reindex(frame.index).fillna(""))
