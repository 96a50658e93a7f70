"""Which images the model is made of: decisions are applied, copies dropped, classes held between minimum and maximum.

It is one function on tables, without files. Nothing vanishes: every image of IMAGES has one row in the result, with a
state, and with a reason where it is not kept. The reason is that of the first rule that applies, in the order of
`select`.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.class_merges import merged, resolve_merges
from curation.decisions.fold import fold
from curation.decisions.on_images import apply, known_classes, refuse_unknown_classes
from curation.params import Params
from curation.selection import class_maximum
from curation.selection.class_limits import Limits
from curation.selection.copies import label_conflicts
from curation.selection.reasons import CONFLICT, COPY, LABEL_FROM, REMOVED, SCENE, UNREADABLE
from curation.tables import SELECTION
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Origin, Reason, Source, State, Word

__all__ = ["FROM_DUPLICATES", "FROM_IMAGES", "Limits", "minimums", "select"]

FROM_IMAGES = ["image_id", "source", "benchmark_set", "label", "subclass", "origin", "error", "hash", "copy_labels"]
FROM_DUPLICATES = ["image_id", "keeper", "leak_group", "same_pixels"]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Words = Callable[[pd.DataFrame], pd.Series]


def select(images: pd.DataFrame, duplicates: pd.DataFrame, reviews: pd.DataFrame, params: Params) -> pd.DataFrame:
    """Give every image its state: kept, reserve, unknown, benchmark, pool, conflict or dropped.

    images: FROM_IMAGES of IMAGES; duplicates: FROM_DUPLICATES of DUPLICATES; reviews: as `read_reviews` gives them.
    Returns SELECTION, by image_id.
    Raises ReviewsError for a relabel to no class, MergeError for a circle of merges.
    """
    images = images.sort_values("image_id", kind="stable", ignore_index=True)
    folded, known = fold(reviews), known_classes(images, params)
    refuse_unknown_classes(folded, images, known)
    ends = resolve_merges(params.classes.merge)
    decided = label_conflicts.join(apply(images, folded, ends, known), duplicates, params.dedupe.policy)
    frame = label_conflicts.spread_decisions(decided)
    frame["label"] = merged(frame["label"], ends)
    frame["state"], frame["reason_code"], frame["reason"] = "", "", ""
    _set_aside(frame)
    _drop_copies(frame, _copies(images, ends))
    _below_minimum(frame, minimums(params, ends))
    _above_maximum(frame, images, Limits(params.cutoff, "max", ends))
    _mark(frame, frame["state"] == "", (State.KEPT, Reason.NONE), "")
    _tell_labels_of_copies(frame)
    return frame[SELECTION.columns]


def minimums(params: Params, ends: Mapping[str, str]) -> Limits:
    """The minimum number of images of each class. ends: as `resolve_merges` gives them."""
    return Limits(params.cutoff, "min", ends)


def _mark(frame: pd.DataFrame, mask: pd.Series | Bools, verdict: tuple[State, Reason], words: str | Words) -> None:
    """Settle the rows of `mask` that no earlier rule has settled; `words` makes their reasons."""
    rows = np.flatnonzero(np.asarray(mask, dtype=bool) & (frame["state"] == "").to_numpy(dtype=bool))
    if not len(rows):
        return
    where = frame.index[rows]
    reason = words if isinstance(words, str) else words(frame.iloc[rows])
    frame.loc[where, ["state", "reason_code"]] = [part.value for part in verdict]
    frame.loc[where, "reason"] = reason


def _set_aside(frame: pd.DataFrame) -> None:
    """Settle the rows that are not for training, whatever their copies and their class are."""
    _mark(
        frame, frame["error"] != "", (State.DROPPED, Reason.UNREADABLE), lambda rows: f"{UNREADABLE}: " + rows["error"]
    )
    _mark(frame, frame["word"] == Word.REMOVE, (State.DROPPED, Reason.REMOVED), lambda rows: REMOVED + rows["who"])
    in_set = frame["benchmark_set"] != ""
    verdict = (State.BENCHMARK, Reason.IN_BENCHMARK)
    _mark(frame, in_set, verdict, lambda rows: "in the benchmark set `" + rows["benchmark_set"] + "`")
    frame.loc[(frame["state"] == State.BENCHMARK) & (frame["label"] == ""), "label"] = UNKNOWN
    pool = (frame["source"] == Source.UNLABELLED) & (frame["label"] == "")
    _mark(frame, pool, (State.POOL, Reason.NOT_LABELLED), "nobody has labelled it")
    _mark(frame, frame["label"].isin([UNKNOWN, ""]), (State.UNKNOWN, Reason.UNKNOWN), "nobody knows what it shows")


def _drop_copies(frame: pd.DataFrame, copies: pd.DataFrame) -> None:
    """Drop copies, by the first rule that applies.

    1. copies of a benchmark image, and what is in one leak group with one;
    2. copies with different labels: a label conflict, which is not dropped but waits for the review;
    3. copies of an image that a review removed;
    4. copies of a keeper.
    """
    frame["usable"] = (frame["state"] == "") & (frame["source"] != Source.BENCHMARK)
    bench = frame[frame["state"] == State.BENCHMARK]
    for column, code, words in (
        ("keeper", Reason.COPY_OF_BENCHMARK, COPY),
        ("leak_group", Reason.SCENE_OF_BENCHMARK, SCENE),
    ):
        shown = bench.drop_duplicates(column).set_index(column)["image_id"]
        _mark(frame, frame[column].isin(shown.index), (State.DROPPED, code), _naming(column, words, shown))
    contradicting = label_conflicts.conflicts(frame, copies)
    in_words = CONFLICT + contradicting + ", until review decides"
    torn = frame.index.isin(contradicting.index)
    _mark(frame, torn, (State.CONFLICT, Reason.LABEL_CONFLICT), lambda rows: in_words[rows.index])
    removed = label_conflicts.redundant(frame, frame["word"] == Word.REMOVE) & (frame["word"] == "").to_numpy()
    verdict = (State.DROPPED, Reason.COPY_OF_REMOVED)
    _mark(frame, removed, verdict, lambda rows: COPY + rows["keeper"].str[:12] + ", which review removed")
    _mark(
        frame,
        label_conflicts.redundant(frame, frame["state"] == "") & ~label_conflicts.kept_apart(frame),
        (State.DROPPED, Reason.COPY),
        lambda rows: COPY + rows["keeper"].str[:12],
    )


def _naming(column: str, words: str, shown: pd.Series) -> Words:
    """Make reasons that name a benchmark image. shown: its image_id, by the values of `column`."""
    return lambda rows: words + "the benchmark image " + rows[column].map(shown).str[:12]


def _tell_labels_of_copies(frame: pd.DataFrame) -> None:
    """Say of every image whose label is from the decision on its copy that it is, and which copy that is."""
    rows = frame["label_from"] != ""
    said = LABEL_FROM + frame.loc[rows, "label_from"].str[:12]
    before = frame.loc[rows, "reason"]
    frame.loc[rows, "reason"] = said.where(before == "", before + "; " + said)
    frame.loc[rows & (frame["state"] == State.KEPT), "reason_code"] = Reason.LABEL_OF_COPY.value


def _copies(images: pd.DataFrame, ends: Mapping[str, str]) -> pd.DataFrame:
    """Label of every further file with the same bytes: image_id, label (merged)."""
    some = np.fromiter(map(len, images["copy_labels"]), dtype=np.int64, count=len(images)) > 0
    rows = images.loc[some, ["image_id", "copy_labels"]].explode("copy_labels")
    labels = merged(rows["copy_labels"].astype("str"), ends)
    return pd.DataFrame({"image_id": rows["image_id"].to_numpy(), "label": labels.to_numpy()})


def _below_minimum(frame: pd.DataFrame, limits: Limits) -> None:
    number = counted(frame, frame["state"] == "", limits.count)
    least = limits.of(frame["label"])

    def words(rows: pd.DataFrame) -> pd.Series:
        have = pd.Series(number[rows.index], index=rows.index).astype("str")
        need = pd.Series(least[rows.index], index=rows.index).astype("str")
        return "class `" + rows["label"] + "` has " + have + " of the " + need + " images it needs"

    _mark(frame, number < least, (State.DROPPED, Reason.BELOW_MINIMUM), words)


def counted(frame: pd.DataFrame, standing: pd.Series, count: str) -> Ints:
    """For every row, how many of the standing images of its class count to the minimum: int [n]."""
    codes, names = pd.factorize(frame["label"])
    counts = (standing & ((frame["origin"] == Origin.REAL) | (count == "all"))).to_numpy(dtype=bool)
    return np.bincount(codes[counts], minlength=len(names))[codes]


def _above_maximum(frame: pd.DataFrame, images: pd.DataFrame, limits: Limits) -> None:
    standing = np.flatnonzero(frame["state"] == "")
    most = limits.of(frame["label"].iloc[standing])
    columns = frame[["image_id", "label", "subclass", "origin"]].iloc[standing]
    above = standing[class_maximum.above_maximum(columns, images["hash"].iloc[standing], most)]
    mask = np.zeros(len(frame), dtype=bool)
    mask[above] = True
    full = pd.Series(limits.of(frame["label"].iloc[above]), index=above).astype("str")
    verdict = (State.RESERVE, Reason.ABOVE_MAXIMUM)
    _mark(frame, mask, verdict, lambda rows: "class `" + rows["label"] + "` is full at " + full)
