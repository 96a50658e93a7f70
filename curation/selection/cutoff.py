"""Which images the model is made of: decisions are applied, copies dropped, classes held between minimum and maximum.

It is one function on tables, without files. Nothing vanishes: every image of IMAGES has one row in the result, with a
state, and with a reason where it is not kept. The reason is that of the first rule that applies, in the order of
`select`.
"""

from collections.abc import Callable
from operator import itemgetter

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.on_images import decided
from curation.decisions.words import LABEL_WORDS
from curation.images.collection.metadata_columns import HELD
from curation.params import Params
from curation.selection import model_chosen
from curation.selection.class_limits import Limits
from curation.selection.copies.benchmark_copies import RULES, of_benchmarks
from curation.selection.copies.label_conflicts import of_copies
from curation.selection.groups.metadata_groups import joined_groups
from curation.selection.maximum import class_maximum
from curation.selection.reasons import CONFLICT, COPY, LABEL_FROM, REMOVED, UNREADABLE
from curation.tables import SELECTION
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import MEASURED_SPLITS, Origin, Reason, Source, State, Word

FROM_IMAGES = ["image_id", "source", "benchmark_set", "label", "subclass", "origin", "error", "hash", "copy_labels"]
FROM_IMAGES += HELD
FROM_DUPLICATES = ["image_id", "keeper", "leak_group", "same_pixels_as"]
SHARES = ["", *(f", and so is its share of {split}" for split in MEASURED_SPLITS)]  # by the number of the split
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
    frame = of_copies(decided(images, reviews, params), duplicates, params.dedupe.policy)
    frame = of_benchmarks(joined_groups(frame, images, params.split.group_by))
    frame["captured_at"] = images["captured_at"].array
    frame = frame.assign(state="", reason_code="", reason="", sampled=model_chosen.sampled(frame))
    _set_aside(frame)
    _drop_copies(frame)
    _below_minimum(frame, Limits(params, "min"))
    _above_maximum(frame, images, params)
    _mark(frame, frame["state"] == "", (State.KEPT, Reason.NONE), "")
    _tell_labels_of_copies(frame)
    return frame[SELECTION.columns]


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


def _drop_copies(frame: pd.DataFrame) -> None:
    """Drop copies, by the first rule that applies.

    1. copies of a benchmark image, and what is in one group or leak group with one;
    2. copies with different labels: a label conflict, which is not dropped but waits for the review;
    3. copies of an image that a review removed;
    4. copies of a keeper.
    """
    for code in RULES:
        _mark(frame, frame[code.value] != "", (State.DROPPED, code), itemgetter(code.value))
    verdict = (State.CONFLICT, Reason.LABEL_CONFLICT)
    _mark(frame, frame["conflict"] != "", verdict, lambda rows: CONFLICT + rows["conflict"] + ", until review decides")
    removed = _has_keeper(frame, frame["word"] == Word.REMOVE) & (frame["word"] == "").to_numpy()
    verdict = (State.DROPPED, Reason.COPY_OF_REMOVED)
    _mark(frame, removed, verdict, lambda rows: COPY + rows["keeper"].str[:12] + ", which review removed")
    redundant = _has_keeper(frame, frame["state"] == "") & ~_kept_apart(frame)
    _mark(frame, redundant, (State.DROPPED, Reason.COPY), lambda rows: COPY + rows["keeper"].str[:12])


def _has_keeper(frame: pd.DataFrame, keepers: pd.Series) -> Bools:
    """Bool [n]: which rows are copies of one of these keepers. keepers: bool [n]."""
    where = frame["keeper_row"].to_numpy()
    other = (where >= 0) & (where != np.arange(len(frame)))
    return np.asarray(other & keepers.to_numpy(dtype=bool)[where])


def _kept_apart(frame: pd.DataFrame) -> Bools:
    """Bool [n]: which rows a person decided to keep beside their keeper.

    Both were decided on, and either under different labels or both by `keep`: then neither is dropped for the other.
    Two that were given one label by other decisions, an import of labels say, are still one picture.
    """
    where = frame["keeper_row"].to_numpy()
    word, label = frame["word"].to_numpy(dtype=object), frame["label"].to_numpy(dtype=object)
    kept = (word == Word.KEEP) & (word[where] == Word.KEEP)
    both = frame["word"].isin(LABEL_WORDS).to_numpy() & _has_keeper(frame, frame["word"].isin(LABEL_WORDS))
    return np.asarray(both & (kept | (label != label[where])))


def _tell_labels_of_copies(frame: pd.DataFrame) -> None:
    """Say of every image whose label is from the decision on its copy that it is, and which copy that is."""
    rows = frame["label_from"] != ""
    said = LABEL_FROM + frame.loc[rows, "label_from"].str[:12]
    before = frame.loc[rows, "reason"]
    frame.loc[rows, "reason"] = said.where(before == "", before + "; " + said)
    frame.loc[rows & (frame["state"] == State.KEPT), "reason_code"] = Reason.LABEL_OF_COPY.value


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


def _above_maximum(frame: pd.DataFrame, images: pd.DataFrame, params: Params) -> None:
    limits, standing = Limits(params, "max"), np.flatnonzero(frame["state"] == "")
    most = limits.of(frame["label"].iloc[standing])
    columns = frame[["image_id", "label", "subclass", "origin", "sampled", "group", "leak_group"]].iloc[standing]
    above, splits = class_maximum.above_maximum(columns, images["hash"].iloc[standing], most, params)
    mask = np.zeros(len(frame), dtype=bool)
    mask[standing[above]] = True
    full = pd.Series(most, index=standing).astype("str")
    share = pd.Series(np.array(SHARES, dtype=object)[splits], index=standing).astype("str")
    verdict = (State.RESERVE, Reason.ABOVE_MAXIMUM)
    _mark(
        frame,
        mask,
        verdict,
        lambda rows: "class `" + rows["label"] + "` is full at " + full[rows.index] + share[rows.index],
    )
