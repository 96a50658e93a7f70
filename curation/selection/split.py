"""Which split each image gets: train, val, test or benchmark, in whole leak groups, with earlier splits kept for good.

It is one function on tables, without files. The split of an image comes from the first of these rules that applies:

1. the lineage of the base model;
2. a copy of the image that the lineage knows (group_splits);
3. the hash bucket (hash_buckets) of the image, or of its group in the metadata; val and test are filled up to their
   minimum counts (split_minimums, whole_groups).

Leak groups whose images would be in several splits are decided in group_splits. Splits by hash are TensorFlow's idea;
whole groups and a frozen benchmark are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params import Params
from curation.selection import group_splits, hash_buckets, reasons, split_minimums
from curation.selection.folds import assign
from curation.selection.groups.capture_times import seconds_of_times
from curation.selection.groups.group_keys import group_keys
from curation.selection.groups.newest import Captures, by_time
from curation.selection.groups.whole_groups import Groups, back_into_train, top_up_whole
from curation.selection.hash_buckets import BENCHMARK, TEST, TRAIN, VAL, Floats, Ints, SplitRanges
from curation.selection.split_minimums import Bools
from curation.tables import SPLITS
from curation.tables.codes import MODEL_SPLITS, Basis, Origin, Sampled, Source, Split, State

NONE = group_splits.NONE
FROZEN = "frozen"
SCORED = (State.KEPT, State.RESERVE, State.UNKNOWN, State.CONFLICT, State.BENCHMARK)


@dataclass
class Assignment:
    """The rows that get a split, as arrays [n], and the splits that are assigned so far."""

    group: Ints
    unit: Ints  # rows with one number have one hash bucket: a group of the metadata, or one image
    label: Ints
    subclass: Ints
    real: Bools
    chosen: Bools  # a model chose it, and no earlier model has it in a split: it is only trained on
    kept: Bools
    reserve: Bools
    known: Ints  # split in the lineage, NONE when new
    given: Ints  # split of the group from the lineage, NONE without one
    bucket: Floats  # the same for all rows of a unit, like `second`
    contaminated: Bools  # an earlier model was trained on the image or on a copy
    seconds: Floats  # when it was captured, NaN where nobody knows
    second: Floats  # second hash bucket, which decides within a group
    split: Ints
    basis: NDArray[np.object_]


def split(selection: pd.DataFrame, params: Params, lineage: Mapping[str, str]) -> pd.DataFrame:
    """Give every image that can be scored its split.

    selection: SELECTION. lineage: the split of every image and group of the metadata that the base model or an earlier
    one knew, by image_id and by `group_keys`.
    Returns SPLITS, by image_id, with the rows that are kept, reserve, unknown, conflict or benchmark, and with frozen
    benchmark images in any state.
    """
    frame = selection.sort_values("image_id", kind="stable", ignore_index=True)
    known = _codes(frame["image_id"].map(lineage))
    hand = (frame["state"] == State.BENCHMARK).to_numpy()
    group, number = group_splits.factorize(frame["leak_group"].to_numpy())
    earlier = _codes(group_keys(frame["group"]).map(lineage))  # of its group in the metadata
    of_images = group_splits.lineage_splits(group, np.where(hand, BENCHMARK, known), number)[group]
    earlier[(of_images != NONE) & (earlier != TRAIN)] = NONE  # what its images say is newer, after a renewal say
    given = group_splits.lineage_splits(np.tile(group, 2), np.concatenate([of_images, earlier]), number)[group]
    learnt = np.where((known == TRAIN) | (earlier == TRAIN), TRAIN, NONE)
    contaminated = group_splits.lineage_splits(group, learnt, number)[group] == TRAIN
    frozen = (known == BENCHMARK) & reasons.can_be_scored(frame)
    scored = frame["state"].isin(SCORED).to_numpy() | frozen
    rows = frame[scored].reset_index(drop=True)
    assigned = _assignment(rows, (group[scored], known[scored], given[scored], contaminated[scored]), params)
    _assign(assigned, params, number)
    table = _table(rows, assigned)
    table["reason_code"] = reasons.codes_of_splits(table, rows)
    table["reason"] = reasons.of_splits(table, rows, params.split)
    table["fold"] = assign(table, params.split)
    return table[SPLITS.columns]


def _codes(splits: pd.Series) -> Ints:
    return splits.map({name: code for code, name in enumerate(MODEL_SPLITS)}).fillna(NONE).to_numpy().astype(np.int64)


def _assignment(rows: pd.DataFrame, facts: tuple[Ints, Ints, Ints, Bools], params: Params) -> Assignment:
    group, known, given, contaminated = facts
    subclass = (rows["label"] + "/" + rows["subclass"]).to_numpy()
    numbers = group_splits.factorize(subclass)[0]
    numbers[(rows["subclass"] == "").to_numpy()] = NONE
    size = len(rows)
    unit = group_splits.units(rows)
    return Assignment(
        group=group,
        unit=group_splits.factorize(unit.to_numpy())[0],
        label=group_splits.factorize(rows["label"].to_numpy())[0],
        subclass=numbers,
        real=(rows["origin"] == Origin.REAL).to_numpy(),
        chosen=(rows["sampled"] == Sampled.MODEL).to_numpy() & (known == NONE),
        kept=(rows["state"] == State.KEPT).to_numpy(),
        reserve=(rows["state"] == State.RESERVE).to_numpy(),
        known=known,
        given=given,
        contaminated=contaminated,
        bucket=hash_buckets.buckets(unit, params.split.salt),
        seconds=seconds_of_times(rows["captured_at"]),
        second=_second(unit, group, params.split.salt),
        split=np.full(size, TRAIN, dtype=np.int64),
        basis=np.full(size, Basis.HASH_BUCKET.value, dtype=object),
    )


def _second(unit: pd.Series, group: Ints, salt: str) -> Floats:
    """A second hash bucket [n] for images that are not alone in their leak group; 0 for the others, which need none."""
    many = np.bincount(group)[group] > 1
    buckets = np.zeros(len(group))
    buckets[many] = hash_buckets.buckets(unit[many], f"{salt}/group")
    return buckets


def _assign(assigned: Assignment, params: Params, number: int) -> None:
    """Fill split (NONE: out) and basis of the kept rows. The others get train here, and their state in `_table`."""
    config, follow = params.split, params.split.mixed == "follow"
    measurable = assigned.kept & assigned.real & ~assigned.chosen
    free = measurable & (assigned.given == NONE)
    if follow:
        # The reserve takes part, so that the cutoff, which knows no lineage, finds the same image to decide.
        able = (assigned.kept | assigned.reserve) & assigned.real & ~assigned.chosen & (assigned.given == NONE)
        deciding = group_splits.deciding_rows(assigned.group, assigned.second, able, number)
        assigned.bucket[free] = assigned.bucket[deciding[assigned.group[free]]]
    by_bucket = SplitRanges.of(config).splits(assigned.bucket)
    settled = np.where(assigned.given == NONE, by_bucket, assigned.given)
    settled[~measurable] = NONE
    if config.newest:
        captures = Captures(free, assigned.group, assigned.label, assigned.seconds, assigned.bucket)
        timed, newest = by_time(captures, settled, config.newest)
        assigned.basis[timed != settled] = Basis.OLDER.value
        assigned.basis[newest] = Basis.NEWEST.value
        settled = timed
    topped = _topped_up(assigned, settled, free, params)
    if follow:
        whole = group_splits.dominant(assigned.group, topped, free, number)
    else:
        voters = free & ~pd.Series(np.where(free, assigned.unit, NONE)).duplicated().to_numpy()
        whole = group_splits.choose_splits(assigned.group, topped, voters, assigned.second, config)
    group_split = np.where(assigned.given == NONE, whole[assigned.group], assigned.given)
    apart = free & (topped != group_split) if config.mixed == "out" else np.zeros(len(group_split), bool)
    assigned.basis[free & (topped != settled)] = Basis.MINIMUM.value
    assigned.basis[free & (topped == TRAIN) & (settled != TRAIN)] = Basis.ONLY_IN_TRAIN.value
    _apply_lineage(assigned, group_split)
    assigned.split[apart | (assigned.kept & ~measurable & (group_split != TRAIN))] = NONE


def _topped_up(assigned: Assignment, settled: Ints, free: Bools, params: Params) -> Ints:
    """The splits after val and test got their minimum: first from single images, then from whole groups."""
    together = assigned.group if params.split.mixed == "follow" else assigned.unit
    many = free & (np.bincount(together[free], minlength=int(together.max(initial=-1)) + 1) > 1)[together]
    groups = Groups(together, many, assigned.label, assigned.bucket)
    classes = int(assigned.label.max(initial=-1)) + 1
    least = split_minimums.minimums_of_splits(assigned.label[settled != NONE], params.split, classes)
    keys = (assigned.label, assigned.subclass)
    topped = split_minimums.top_up(assigned.bucket, settled, free & ~many, keys, least, params.split)
    return back_into_train(groups, top_up_whole(groups, topped, least), classes)


def _apply_lineage(assigned: Assignment, group_split: Ints) -> None:
    """Keep the split of rows in the lineage, and set that of new rows whose group the lineage knows."""
    old, new = assigned.known != NONE, (assigned.known == NONE) & (assigned.given != NONE)
    assigned.split = group_split.copy()
    assigned.split[old & (assigned.known != group_split)] = NONE
    assigned.split[new & (group_split == BENCHMARK)] = NONE
    assigned.basis[old] = Basis.LINEAGE.value
    assigned.basis[new] = Basis.LINEAGE_OF_COPY.value
    by_kind = (assigned.basis == Basis.HASH_BUCKET) | (new & np.isin(group_split, [VAL, TEST]))
    assigned.basis[by_kind & assigned.chosen] = Basis.MODEL_CHOSEN.value
    assigned.basis[by_kind & ~assigned.real] = Basis.ORIGIN.value


def _table(rows: pd.DataFrame, assigned: Assignment) -> pd.DataFrame:
    """SPLITS without reason and fold: the split where a row is kept or frozen, else its state."""
    table = rows[
        ["image_id", "label", "subclass", "origin", "leak_group", "group", "turn", "small", "benchmark_set"]
    ].copy()
    names = np.array([split.value for split in (*MODEL_SPLITS, Split.OUT)], dtype=object)  # -1 is out
    frozen = assigned.known == BENCHMARK
    state = rows["state"].to_numpy()
    table["split"] = np.where(assigned.kept, names[assigned.split], state)
    table["basis"] = np.where(assigned.kept, assigned.basis, state)
    hand = state == State.BENCHMARK
    contaminated = hand & assigned.contaminated & ~frozen
    table.loc[frozen, ["split", "basis"]] = [Split.BENCHMARK.value, Basis.LINEAGE.value]
    in_folder = rows.loc[hand, "source"] == Source.BENCHMARK
    table.loc[hand, "basis"] = np.where(in_folder, Basis.HAND_MADE.value, Basis.DECISION.value)
    table.loc[contaminated, "split"] = Split.OUT.value
    benchmark = table["split"] == Split.BENCHMARK
    table.loc[benchmark & (table["benchmark_set"] == ""), "benchmark_set"] = FROZEN
    table.loc[~benchmark, "benchmark_set"] = ""
    return table
