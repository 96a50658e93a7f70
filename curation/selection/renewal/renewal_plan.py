"""Which leak groups leave the drawn benchmark in a renewal, and which groups of test take their place.

Class by class, the images that were in the benchmark longest leave first; among equals a hash decides. As many images
of the class come from test, and only images that never were in a benchmark. So the benchmark keeps its size and its
classes, and both splits stay samples of the same collection. Where test has too few such images, fewer leave.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from curation.selection.hash_buckets import buckets
from curation.selection.renewal.benchmark_renewals import moved
from curation.tables.class_names import FROZEN
from curation.tables.codes import MODEL_SPLITS, Split


@dataclass(frozen=True)
class Plan:
    """What a renewal moves: image_id -> new split, and one row a class for people."""

    moves: Mapping[str, str]
    classes: pd.DataFrame  # class, benchmark, wanted, retired, drawn


def plan(splits: pd.DataFrame, log: pd.DataFrame, share: float) -> Plan:
    """Choose what moves.

    - splits: image_id, label, leak_group, split and benchmark_set of SPLITS
    - log: the renewals so far
    - share: of the images of each class in the drawn benchmark, above 0 and up to 1
    """
    number = next_number(log)
    groups = _groups(splits, log, number)
    out: dict[str, str] = {}
    rows = []
    for label, of_class in groups.groupby("label", sort=True):
        old = of_class[of_class["split"] == Split.BENCHMARK].sort_values(["drawn_in", "bucket"], kind="stable")
        new = of_class[(of_class["split"] == Split.TEST) & of_class["fresh"]].sort_values("bucket", kind="stable")
        have = int(old["images"].sum())
        wanted = math.floor(share * have + buckets([str(label)], f"renewal/{number}")[0])
        drawn = _filled(new, wanted)
        retired = _filled(old, min(wanted, int(drawn["images"].sum())))
        drawn = drawn if len(retired) else drawn[:0]
        out |= dict.fromkeys(retired["leak_group"], Split.TEST.value)
        out |= dict.fromkeys(drawn["leak_group"], Split.BENCHMARK.value)
        counts = {"retired": int(retired["images"].sum()), "drawn": int(drawn["images"].sum())}
        rows.append({"class": label, "benchmark": have, "wanted": wanted, **counts})
    placed = splits[splits["split"].isin([Split.TEST, Split.BENCHMARK])]
    where = zip(placed["image_id"], placed["leak_group"], strict=True)
    moves = {image: out[group] for image, group in where if group in out}
    table = pd.DataFrame(rows, columns=["class", "benchmark", "wanted", "retired", "drawn"])
    return Plan(moves, table[table["benchmark"] > 0].reset_index(drop=True))


def next_number(log: pd.DataFrame) -> int:
    """The number of the next renewal, from 1."""
    return int(log["renewal"].astype(int).max()) + 1 if len(log) else 1


def undone(log: pd.DataFrame) -> dict[str, str]:
    """What takes the last renewal back: image_id -> the split that it had before. Empty without a renewal."""
    last = log[log["renewal"].astype(int) == next_number(log) - 1]
    other = {Split.TEST.value: Split.BENCHMARK.value, Split.BENCHMARK.value: Split.TEST.value}
    return {image: other[split] for image, split in moved(last).items()}


def _groups(splits: pd.DataFrame, log: pd.DataFrame, number: int) -> pd.DataFrame:
    """One row a leak group that may move: leak_group, label, split, images, drawn_in, fresh, bucket.

    Groups with an image in another split or in a hand-made set stay where they are.
    """
    placed = splits[splits["split"].isin(MODEL_SPLITS)].sort_values("image_id", kind="stable")
    movable = (placed["split"] == Split.TEST) | (placed["benchmark_set"] == FROZEN)
    stay = set(placed.loc[~movable, "leak_group"])
    drawn = log[log["split"] == Split.BENCHMARK].set_index("image_id")["renewal"].astype(int)
    drawn = drawn[~drawn.index.duplicated(keep="last")]
    rows = placed[~placed["leak_group"].isin(stay)].assign(
        drawn_in=placed["image_id"].map(drawn).fillna(0).astype(int), fresh=~placed["image_id"].isin(log["image_id"])
    )
    found = rows.groupby("leak_group", sort=True).agg(
        label=("label", "first"),
        split=("split", "first"),
        images=("image_id", "size"),
        drawn_in=("drawn_in", "max"),
        fresh=("fresh", "all"),
        several=("split", "nunique"),
    )
    found = found[found["several"] == 1].reset_index()
    return found.assign(bucket=buckets(found["leak_group"], f"renewal/{number}"))


def _filled(groups: pd.DataFrame, wanted: int) -> pd.DataFrame:
    """The first groups whose images fit into `wanted`."""
    return groups.loc[list(_fitting(groups, wanted))]


def _fitting(groups: pd.DataFrame, wanted: int) -> Iterator[object]:
    taken = 0
    for index, images in groups["images"].items():
        if taken + images <= wanted:
            taken += images
            yield index
