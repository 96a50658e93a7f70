"""Splits at a million rows, and beside scikit-learn's: `python benchmarks/splits.py` (benchmarks/results/splits.md).

A made-up collection without pixels: 1,000 classes of 1 to 5,000 images, sub-classes, staged images, copies, leak
groups, label conflicts, unreadable files, benchmark sets and a pool. Then 1% more images come, many of them copies of
old ones.
"""

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.decisions.order import REVIEW_COLUMNS
from curation.images.collection.metadata_columns import HELD
from curation.params import Params
from curation.selection.cutoff import select
from curation.selection.split import split

OUT = Path("benchmarks/results/splits.md")
SPLITS = ["train", "val", "test", "benchmark"]
EVALUATION = ["val", "test", "benchmark"]
NO_REVIEWS = pd.DataFrame({name: [] for name in ("line", *REVIEW_COLUMNS)})


@dataclass
class Collection:
    """Rows of a made-up collection: what `tables` needs to make IMAGES and DUPLICATES of it."""

    rows: pd.DataFrame  # image_id, label, subclass, origin, source, benchmark_set, error, hash, group, star
    rng: np.random.Generator

    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """IMAGES (the columns that selection reads) and DUPLICATES; a group is named by its least image_id."""
        rows = self.rows
        images = rows.drop(columns=["group", "star"]).assign(
            copy_labels=pd.Series([[]] * len(rows), index=rows.index, dtype=object), **dict.fromkeys(HELD, "")
        )
        read = rows[rows["error"] == ""]
        copies = pd.DataFrame(
            {"image_id": read["image_id"], "keeper": read["star"], "same_pixels_as": read["image_id"]}
        )
        copies["leak_group"] = read.groupby("group")["image_id"].transform("min")
        return images, copies


def class_sizes(number: int, most: int, total: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`number` sizes from 1 to `most` that add up to about `total`, many small and few large."""
    places = np.linspace(0, 1, number)
    low, high = 0.0, 50.0
    for _ in range(60):
        power = (low + high) / 2
        size = np.round(1 + (most - 1) * places**power)
        low, high = (power, high) if size.sum() > total else (low, power)
    return np.asarray(rng.permutation(size).astype(np.int64))


def make(classes: int, most: int, total: int, seed: int) -> Collection:
    """The first collection."""
    rng = np.random.default_rng(seed)
    label = np.repeat(np.arange(classes), class_sizes(classes, most, total, rng))
    size = len(label)
    rows = _describe(label, rng)
    # A group is a run of neighbours: about one image in eight stands in a group of two to five.
    joins = rng.random(size) < 0.1
    group = np.cumsum(~joins)
    rows["group"] = group
    rows["star"] = rows["image_id"]
    copy = np.flatnonzero(joins & (rng.random(size) < 0.5))
    copy = copy[copy > 0]
    star = rows["star"].to_numpy(copy=True)
    for row in copy:
        star[row] = star[row - 1]
    rows["star"] = star
    rows["source"] = np.where(rng.random(size) < 0.005, "benchmark", "raw")
    rows["benchmark_set"] = np.where(rows["source"] == "benchmark", "hand", "")
    rows.loc[rng.random(size) < 0.02, ["label", "subclass"]] = ["unknown", ""]
    return Collection(rows, rng)


def _describe(label: NDArray[np.int64], rng: np.random.Generator) -> pd.DataFrame:
    size = len(label)
    text = rng.bytes(16 * size).hex()
    bits = rng.bytes(8 * size)
    return pd.DataFrame(
        {
            "image_id": [text[32 * row : 32 * row + 32] for row in range(size)],
            "label": np.array([f"class {number:04d}" for number in range(label.max() + 1)], dtype=object)[label],
            "subclass": np.array(["", "", "old", "young"], dtype=object)[rng.integers(0, 4, size)],
            "origin": np.array(["real", "staged", "synthetic"], dtype=object)[rng.choice(3, size, p=[0.9, 0.05, 0.05])],
            "source": "raw",
            "benchmark_set": "",
            "error": np.where(rng.random(size) < 0.001, "truncated", ""),
            "hash": [bits[8 * row : 8 * row + 8] * 8 for row in range(size)],
        }
    )


def add(old: Collection, share: float, near: NDArray[np.object_]) -> Collection:
    """The collection with `share` more images, one in ten of them close to the images `near` (ids).

    Half are new, a sixth are copies of old ones, a sixth join their leak groups, and the rest connect two groups.
    """
    rng, rows = old.rng, old.rows
    number = int(len(rows) * share)
    model = rng.integers(0, len(rows), number)
    close = rng.random(number) < 0.1
    if len(near):
        place = pd.Series(np.arange(len(rows)), index=rows["image_id"])
        model[close] = place[rng.choice(near, int(close.sum()))]
    label = rows["label"].to_numpy()[model]
    fresh = _describe(np.zeros(number, dtype=np.int64), rng)
    fresh["label"], fresh["subclass"] = label, rows["subclass"].to_numpy()[model]
    kind = rng.choice(4, number, p=[0.5, 1 / 6, 1 / 6, 1 / 6])  # new, a copy, in a leak group, between two groups
    groups = rows["group"].to_numpy()
    fresh["group"] = np.where(kind == 0, groups.max() + 1 + np.arange(number), groups[model])
    fresh["star"] = np.where(kind == 1, rows["star"].to_numpy()[model], fresh["image_id"])
    both = pd.concat([rows, fresh], ignore_index=True)
    ends = groups[rng.integers(0, len(rows), number)]
    merged = dict(zip(ends[kind == 3], groups[model][kind == 3], strict=True))
    both["group"] = both["group"].map(lambda group: merged.get(group, group))
    return Collection(both, rng)


def timed(work: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame, float, float]:
    """A result, and the seconds it took: of the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def peak() -> float:
    """Most memory this process has held so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def million(params: Params, size: int, classes: int) -> list[str]:
    """Cutoff and split of `size` rows, and of 1% more, as lines of Markdown."""
    first = make(classes, 5000, size, 0)
    images, copies = first.tables()
    held = peak()
    warm = make(5, 600, 2_000, 1).tables()  # numba's cache is filled: a second run of the pipeline finds it so
    select(*warm, NO_REVIEWS, params)
    chosen, clock_select, cpu_select = timed(lambda: select(images, copies, NO_REVIEWS, params))
    found, clock_split, cpu_split = timed(lambda: split(chosen, params, {}))
    lines = [
        f"| rows, classes | {len(images):,}, {images['label'].nunique():,} |",
        f"| cutoff | {clock_select:.1f} s ({cpu_select:.1f} s of processor) |",
        f"| split | {clock_split:.1f} s ({cpu_split:.1f} s of processor) |",
        f"| most memory | {peak():.2f} GB, {held:.2f} GB of it before cutoff began |",
        *quality(found, params),
    ]
    print("\n".join(lines), file=sys.stderr, flush=True)
    frozen = found.loc[found["benchmark_set"] == "frozen", "image_id"].to_numpy(dtype=object)
    del images, copies
    images, copies = add(first, 0.01, frozen).tables()
    second = select(images, copies, NO_REVIEWS, params)
    inside = found[found["split"].isin(SPLITS)]
    lineage = dict(zip(inside["image_id"], inside["split"], strict=True))
    for name, known in (("without a lineage", {}), ("with the first as lineage", lineage)):
        lines += moves(name, found, split(second, params, known))
    return lines


def quality(found: pd.DataFrame, params: Params) -> list[str]:
    """Fractions, classes against independent draws, minimum counts and leaks."""
    config = params.split
    shares = {"train": 1 - config.val - config.test - config.benchmark, "val": config.val, "test": config.test}
    shares["benchmark"] = config.benchmark
    rows = found[found["split"].isin(SPLITS) & (found["benchmark_set"] != "hand") & (found["origin"] == "real")]
    got = rows["split"].value_counts(normalize=True)
    size = rows.groupby("label").size()
    counts = rows.groupby(["label", "split"]).size().unstack(fill_value=0)
    by_bucket = rows["split"].where(rows["basis"] != "minimum", "train")  # as its hash bucket gives it
    counted = pd.crosstab(rows["label"], by_bucket)
    z = pd.DataFrame(
        {name: (counted[name] - size * share) / np.sqrt(size * share * (1 - share)) for name, share in shares.items()}
    )
    short = (counts["val"] < config.min_val).sum() + (counts["test"] < config.min_test).sum()
    leaks = (rows.groupby("leak_group")["split"].nunique() > 1).sum()
    out = (found["split"] == "out").sum()
    return [
        "| fractions of real images | "
        + ", ".join(f"{name} {got[name]:.2%} of {shares[name]:.0%}" for name in shares)
        + " |",
        f"| classes within 3 sigma | {(z.abs() <= 3).to_numpy().mean():.2%} of {z.size:,} (independent draws: 99.7%) |",
        f"| classes short of a minimum | {short} of {len(size):,} |",
        f"| leak groups in two splits | {leaks} |",
        f"| out, because their leak group is in another split | {out:,} ({out / (out + len(rows)):.2%}) |",
    ]


def moves(name: str, before: pd.DataFrame, after: pd.DataFrame) -> list[str]:
    """Which earlier images changed their split."""
    both = before.set_index("image_id")[["split", "basis"]].join(after.set_index("image_id")["split"].rename("now"))
    both = both.fillna({"now": "dropped"})
    into = ((both["split"] == "train") & both["now"].isin(EVALUATION)).sum()
    back = both[both["split"].isin(["val", "test"]) & (both["now"] == "train")]
    lost = both[(both["split"] == "benchmark") & (both["now"] != "benchmark")]["now"].value_counts()
    why = ", ".join(f"{count} {now}" for now, count in lost.items()) or "0"
    owed = (back["basis"] == "minimum").sum()
    return [
        f"| 1% more, {name}: train to evaluation | {into} |",
        f"| 1% more, {name}: val or test to train | {len(back)}, {owed} of them put there by the minimum |",
        f"| 1% more, {name}: benchmark images lost | {why} |",
    ]


def peers(size: int, classes: int) -> list[str]:
    """Ours beside scikit-learn's group splitters: one fifth as test, the same groups, then 1% more images."""
    config = {"val": 0.0, "test": 0.2, "benchmark": 0.0, "min_val": 0, "min_test": 0, "folds": 0}
    first = make(classes, max(4 * size // classes, 10), size, 2)
    later = add(first, 0.01, np.array([], dtype=object))
    plain = {"min": 40, "max": 10**9}
    params = {
        mixed: Params.model_validate({"cutoff": plain, "split": {**config, "mixed": mixed}})
        for mixed in ("out", "follow")
    }
    before, after = (kept(part, params["out"]) for part in (first, later))
    ways: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
        "curation, mixed: out": lambda rows: ours(rows, params["out"]),
        "curation, mixed: follow": lambda rows: ours(rows, params["follow"]),
        "StratifiedGroupKFold": lambda rows: theirs(rows, "StratifiedGroupKFold"),
        "GroupShuffleSplit": lambda rows: theirs(rows, "GroupShuffleSplit"),
    }
    lines = []
    for name, way in ways.items():
        start = time.perf_counter()
        old = way(before)
        seconds = time.perf_counter() - start
        lines.append(f"| {name} | {seconds:.2f} s | " + " | ".join(compare(before, old, way(after))) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    return lines


def kept(collection: Collection, params: Params) -> pd.DataFrame:
    """The rows of SELECTION that are to be divided: real, kept."""
    chosen = select(*collection.tables(), NO_REVIEWS, params)
    return chosen[(chosen["state"] == "kept") & (chosen["origin"] == "real")].reset_index(drop=True)


def ours(rows: pd.DataFrame, params: Params) -> pd.Series:
    """Sides by image_id, from this project."""
    return split(rows, params, {}).set_index("image_id")["split"]


def theirs(rows: pd.DataFrame, name: str) -> pd.Series:
    """Sides by image_id, from scikit-learn."""
    from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

    ways = {
        "StratifiedGroupKFold": StratifiedGroupKFold(5, shuffle=True, random_state=0),
        "GroupShuffleSplit": GroupShuffleSplit(1, test_size=0.2, random_state=0),
    }
    groups, labels = pd.factorize(rows["leak_group"])[0], pd.factorize(rows["label"])[0]
    _, test = next(ways[name].split(labels, labels, groups))
    splits = np.full(len(rows), "train", dtype=object)
    splits[test] = "test"
    return pd.Series(splits, index=rows["image_id"])


def compare(rows: pd.DataFrame, old: pd.Series, new: pd.Series) -> list[str]:
    """Stratification error, images that change split, of these from train to test, divided groups, images left out."""
    before = old.reindex(rows["image_id"]).to_numpy()
    inside = before != "out"
    share = pd.Series(before[inside] == "test").groupby(rows["label"].to_numpy()[inside]).mean()
    now = new.reindex(rows["image_id"]).fillna("out").to_numpy()
    crossed = inside & (now != "out") & (now != before)
    to_test = ((before == "train") & (now == "test")).sum()
    divided = (pd.Series(before[inside]).groupby(rows["leak_group"].to_numpy()[inside]).nunique() > 1).sum()
    error = (share - 0.2).abs().mean()
    return [f"{error:.2%}", f"{crossed.mean():.2%}", f"{to_test:,}", f"{divided}", f"{1 - inside.mean():.2%}"]


def machine() -> str:
    """What the figures were taken on."""
    busy, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    return f"Measured on {cores} cores of {platform.machine()}; load average at the end {busy:.1f}: " + (
        "the machine was shared, so go by the seconds of the processor (one thread)."
        if busy > cores + 1
        else "otherwise idle."
    )


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--classes", type=int, default=1_000)
    parser.add_argument("--peer-rows", type=int, default=20_000)
    options = parser.parse_args()
    beside = peers(options.peer_rows, 50)
    large = million(Params(), options.rows, options.classes)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(
        PAGE.format(large="\n".join(large), beside="\n".join(beside), rows=options.peer_rows, machine=machine()),
        encoding="utf-8",
    )
    print(OUT)


PAGE = """# Splits, measured

Written by `python benchmarks/splits.py`. The collection is made up, without pixels: sub-classes, 10% staged or
synthetic, 10% of the images in a group with the one before (half of those are copies that dedupe removes), 2% unknown,
0.5% in a hand-made benchmark. Of the 1% that comes later half are new; the others are copies, join a leak
group, or connect two groups. {machine}

## A large collection

| what | measured |
|---|---|
{large}

Without a lineage, a benchmark image is lost in two cases. Its class is above its maximum, and a new image was kept
instead of it; or a new image of a hand-made benchmark is a copy of it. The lineage prevents both. Sigma is that of the
binomial distribution; an image that a minimum moved counts in the split of its hash bucket.

## Beside scikit-learn, {rows:,} images in 50 classes, one fifth as test

| | time | stratification error | change split after 1% more | from train to test | divided groups | left out |
|---|---|---|---|---|---|---|
{beside}

Stratification error is the mean distance of a class's share of test from 20%. The images that change split are
those in train and test, one each time. StratifiedGroupKFold balances classes better than independent draws can, but
it assigns all groups again each time. So a model that continues from the last one is tested on images that it was
trained on.
"""


if __name__ == "__main__":
    main()
