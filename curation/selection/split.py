"""train / val / test / benchmark out of whole leak groups, and the sides of earlier models kept for good.

One pure function on tables. A side comes, in this order, from the lineage of the base model, from a twin that has one,
or from the lot of the image (see `draw`), topped up to the minimum counts (see `minimum`); groups that would be torn
are mended (see `groups`). Drawing by hash is TensorFlow's; complete groups and a frozen benchmark are this project's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.params import Params
from curation.selection import group_splits, hash_buckets, reasons, split_minimums
from curation.selection.folds import assign
from curation.selection.split_minimums import BENCHMARK, SPLIT_NAMES, TRAIN, Bools, Floats, Ints
from curation.tables import SPLITS

NONE = group_splits.NONE
FROZEN = "frozen"
IN_PLAY = ["kept", "reserve", "unknown", "benchmark"]


@dataclass
class Board:
    """The rows that get a side, as arrays [n], and the sides as they become known."""

    group: Ints
    label: Ints
    subclass: Ints
    real: Bools
    kept: Bools
    known: Ints  # side in the lineage, NONE when new
    given: Ints  # side of the group, NONE when nobody knows it
    lot: Floats
    spoiled: Bools  # an ancestor was trained on the image or on a twin
    second: Floats  # lot that chooses within a group
    side: Ints
    basis: NDArray[np.object_]


def split(selection: pd.DataFrame, params: Params, lineage: Mapping[str, str]) -> pd.DataFrame:
    """Give every image that can be scored its split.

    selection: SELECTION; lineage: image_id -> side of every image that an ancestor model knew. Returns SPLITS,
    by image_id, for rows that are kept, reserve, unknown or benchmark, and for frozen benchmark images in any state.
    """
    frame = selection.sort_values("image_id", kind="stable", ignore_index=True)
    known = _codes(frame["image_id"].map(lineage))
    hand = (frame["state"] == "benchmark").to_numpy()
    group, number = group_splits.factorize(frame["leak_group"].to_numpy())
    given = group_splits.lineage_splits(group, np.where(hand, BENCHMARK, known), number)[group]
    spoiled = group_splits.lineage_splits(group, np.where(known == TRAIN, TRAIN, NONE), number)[group] == TRAIN
    frozen = (known == BENCHMARK) & reasons.can_be_scored(frame)
    play = frame["state"].isin(IN_PLAY).to_numpy() | frozen
    rows = frame[play].reset_index(drop=True)
    board = _board(rows, (group[play], known[play], given[play], spoiled[play]), params)
    _draw(board, params, number)
    table = _table(rows, board)
    table["reason"] = reasons.of_splits(table, rows, params.split)
    table["fold"] = assign(table, params.split)
    return table[SPLITS.columns]


def _codes(sides: pd.Series) -> Ints:
    return sides.map({side: code for code, side in enumerate(SPLIT_NAMES)}).fillna(NONE).to_numpy().astype(np.int64)


def _board(rows: pd.DataFrame, facts: tuple[Ints, Ints, Ints, Bools], params: Params) -> Board:
    group, known, given, spoiled = facts
    subclass = (rows["label"] + "/" + rows["subclass"]).to_numpy()
    numbers = group_splits.factorize(subclass)[0]
    numbers[(rows["subclass"] == "").to_numpy()] = NONE
    size = len(rows)
    return Board(
        group=group,
        label=group_splits.factorize(rows["label"].to_numpy())[0],
        subclass=numbers,
        real=(rows["origin"] == "real").to_numpy(),
        kept=(rows["state"] == "kept").to_numpy(),
        known=known,
        given=given,
        spoiled=spoiled,
        lot=hash_buckets.buckets(rows["image_id"], params.split.salt),
        second=_second(rows["image_id"], group, params.split.salt),
        side=np.full(size, TRAIN, dtype=np.int64),
        basis=np.full(size, "draw", dtype=object),
    )


def _second(image_ids: pd.Series, group: Ints, salt: str) -> Floats:
    """A second lot for images that are not alone in their group; 0 for the others, who need none."""
    many = np.bincount(group)[group] > 1
    lots = np.zeros(len(group))
    lots[many] = hash_buckets.buckets(image_ids[many], f"{salt}/group")
    return lots


def _draw(board: Board, params: Params, number: int) -> None:
    """Fill side (NONE: out) and basis of the kept rows; the others keep train and are overwritten by their state."""
    knobs = params.split
    free = board.kept & board.real & (board.given == NONE)
    if knobs.mixed == "follow":
        deciding = group_splits.deciding_rows(board.group, board.second, free, number)
        board.lot[free] = board.lot[deciding[board.group[free]]]
    settled = np.where(board.given == NONE, split_minimums.SplitRanges.of(knobs).splits(board.lot), board.given)
    settled[~(board.kept & board.real)] = NONE
    least = split_minimums.minimums_of_splits(board.label[settled != NONE], knobs, int(board.label.max(initial=-1)) + 1)
    topped = split_minimums.top_up(board.lot, settled, free, (board.label, board.subclass), least, knobs)
    if knobs.mixed == "follow":
        whole = group_splits.dominant(board.group, topped, free, number)
    else:
        whole = group_splits.choose_splits(board.group, topped, free, board.second, knobs)
    side = np.where(board.given == NONE, whole[board.group], board.given)
    torn = free & (topped != side) if knobs.mixed == "out" else np.zeros(len(side), bool)
    board.basis[free & (topped != settled)] = "minimum"
    _keep_sides(board, side)
    board.side[torn | (board.kept & ~board.real & (side != TRAIN))] = NONE


def _keep_sides(board: Board, side: Ints) -> None:
    """The lineage's own rows, and new rows whose group the lineage knows."""
    old, new = board.known != NONE, (board.known == NONE) & (board.given != NONE)
    board.side = side.copy()
    board.side[old & (board.known != side)] = NONE
    board.side[new & (side == BENCHMARK)] = NONE
    board.basis[old] = "lineage"
    board.basis[new] = "twin"
    board.basis[(board.basis == "draw") & ~board.real] = "origin"


def _table(rows: pd.DataFrame, board: Board) -> pd.DataFrame:
    """SPLITS without reason and fold: the side where a row is kept or frozen, else its state."""
    table = rows[["image_id", "label", "subclass", "origin", "leak_group", "turn", "small", "benchmark_set"]].copy()
    names = np.array([*SPLIT_NAMES, "out"], dtype=object)  # -1 is out
    frozen = board.known == BENCHMARK
    state = rows["state"].to_numpy()
    table["split"] = np.where(board.kept, names[board.side], state)
    table["basis"] = np.where(board.kept, board.basis, state)
    hand = state == "benchmark"
    spoiled = hand & board.spoiled & ~frozen
    table.loc[frozen, ["split", "basis"]] = ["benchmark", "lineage"]
    table.loc[hand, "basis"] = np.where(rows.loc[hand, "source"] == "benchmark", "hand-made", "decision")
    table.loc[spoiled, "split"] = "out"
    drawn = (table["split"] == "benchmark") & (table["benchmark_set"] == "")
    table.loc[drawn, "benchmark_set"] = FROZEN
    table.loc[table["split"] != "benchmark", "benchmark_set"] = ""
    return table
