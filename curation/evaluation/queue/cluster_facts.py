"""What tells a cluster of errors from the other errors, tested, so that a meaningless cluster has nothing to say.

A fact, such as "80% are dark", is stated when all of this holds:

- it holds for at least half of the cluster, and for clearly more of it than of the whole queue;
- chance does not explain that: Fisher's exact test (1935) against the queue, where of each leak group one image counts,
  after Benjamini and Hochberg (1995) over all facts of all clusters. So of the stated facts at most 5% are false;
- images outside of the queue confirm it: it is rarer among the images of the same label that are named rightly. A class
  that is dark as a whole is not mistaken for being dark.

benchmarks/cluster_facts.py counts how often clusters that were drawn by lot get a fact.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MOST, RARER = 0.5, 1.5  # a fact holds for half of a cluster, and for one and a half times the usual share
FALSE = 0.05  # share of the stated facts that may be false
UNCONFIRMED = 0.05  # chance that a fact is confirmed outside of the queue though it is no rarer there
FEWEST = 20  # images of a label outside of the queue; with fewer, all that are named rightly confirm
TAIL = 0.1  # share of the images that are named rightly that counts as dark, bright, blurred and so on
MEASURES = {
    "brightness": ("dark", "bright"),
    "contrast": ("of low contrast", "of high contrast"),
    "blur": ("blurred", "sharp"),  # it is the variance of the Laplacian: high where edges are
    "size": ("small", "large"),
}
TEXTS = (("subclass", "the sub-class"), ("origin", "the origin"), ("split", "the split"))

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Property:
    """Something that images have or do not have: of each image of the queue, and of each that is named rightly."""

    words: str
    queue: Flags
    right: Flags | None  # None: it can't be told outside of the queue


@dataclass(frozen=True)
class Tested:
    """A property that is frequent in a cluster, and the probability of that by chance."""

    cluster: int
    p_value: float
    words: str
    stated: bool  # if chance does not explain it


def facts_of(queue: pd.DataFrame, right: pd.DataFrame) -> dict[int, list[str]]:
    """Sentences for each cluster of the queue, by its number.

    - queue: the columns of the measures, TEXTS, cluster, leak_group, label, label_error, crowded and distance
    - right: the same, of images outside of the queue that are predicted correctly
    """
    from scipy.stats import false_discovery_control

    queue = queue.drop_duplicates(["cluster", "leak_group"]).reset_index(drop=True)
    right = right.drop_duplicates("leak_group").reset_index(drop=True)
    tested = [*_properties_tested(queue, right), *_distances_tested(queue)]
    found: dict[int, list[str]] = {}
    if tested:
        adjusted = false_discovery_control([one.p_value for one in tested])
        for one, chance in zip(tested, adjusted, strict=True):
            if one.stated and chance <= FALSE:
                found.setdefault(one.cluster, []).append(one.words)
    return found


def properties(queue: pd.DataFrame, right: pd.DataFrame) -> Iterator[Property]:
    """All properties that a cluster may be told by."""
    for column, word in TEXTS:
        for value in sorted(set(queue[column]) - {""}):
            yield Property(f"have {word} {value}", _is(queue, column, value), _is(right, column, value))
    for name, words in MEASURES.items():
        if not len(right):
            continue
        low, high = float(right[name].quantile(TAIL)), float(right[name].quantile(1 - TAIL))
        if low < high:
            below, above = (np.asarray(frame[name] < low) for frame in (queue, right))
            yield Property(f"are {words[0]}", below, above)
            below, above = (np.asarray(frame[name] > high) for frame in (queue, right))
            yield Property(f"are {words[1]}", below, above)
    yield Property("have near-duplicates", np.asarray(queue["crowded"], bool), np.asarray(right["crowded"], bool))
    yield Property("have labels that are probably wrong", np.asarray(queue["label_error"] >= 0.5), None)


def _is(frame: pd.DataFrame, column: str, value: str) -> Flags:
    return np.asarray(frame[column] == value, bool)


def _properties_tested(queue: pd.DataFrame, right: pd.DataFrame) -> Iterator[Tested]:
    """Every property that is frequent enough in the queue to be stated of a cluster. Others are no test at all."""
    from scipy.stats import hypergeom

    numbers = queue["cluster"].to_numpy(np.int64)
    clustered = numbers >= 0
    sizes = np.bincount(numbers[clustered])
    labels = {number: str(part.mode().iloc[0]) for number, part in queue.groupby("cluster")["label"]}
    for one in properties(queue, right):
        usual = int(one.queue.sum())
        holds = np.bincount(numbers[clustered], one.queue[clustered], len(sizes)).astype(np.int64)
        chances = hypergeom.sf(holds - 1, len(queue), usual, sizes)
        often = usual / max(len(queue), 1)
        for number in np.flatnonzero((sizes > 0) & (usual >= MOST * sizes)).tolist():
            share = holds[number] / sizes[number]
            stated, among = share >= MOST and share >= RARER * often, f"{often:.0%} of the queue"
            if stated and one.right is not None:
                here = int(holds[number]), int(sizes[number])
                stated, there = _confirmed(here, one.right, right, labels[number])
                among += f", {there}"
            yield Tested(number, float(chances[number]), f"{share:.0%} {one.words} ({among})", stated)


def _confirmed(here: tuple[int, int], flags: Flags, right: pd.DataFrame, label: str) -> tuple[bool, str]:
    """Whether a property of `here` (holds, size) is rarer outside of the queue, and how frequent it is there.

    Outside are the images of the cluster's label that are named rightly, or all that are where these are few.
    """
    from scipy.stats import hypergeom

    same = np.asarray(right["label"] == label, bool)
    rows = flags[same] if same.sum() >= FEWEST else flags
    named = f"the images of {label} named rightly" if same.sum() >= FEWEST else "the images named rightly"
    holds, size = here
    rare, count = int(rows.sum()), len(rows)
    chance = float(hypergeom.sf(holds - 1, size + count, holds + rare, size)) if count else 1.0
    return chance <= UNCONFIRMED, f"{rare / max(count, 1):.0%} of {named}"


def _distances_tested(queue: pd.DataFrame) -> Iterator[Tested]:
    """Whether a cluster is farther from the nearest correct images than the rest of the queue, or nearer."""
    from scipy.stats import mannwhitneyu

    distance = queue["distance"].to_numpy(np.float64)
    known, numbers = np.isfinite(distance), queue["cluster"].to_numpy()
    usual = float(np.median(distance[known])) if known.any() else 0.0
    for number in sorted(set(numbers[known].tolist()) - {-1}):
        here, others = distance[known & (numbers == number)], distance[known & (numbers != number)]
        if not len(others) or usual <= 0:
            continue
        middle = float(np.median(here))
        p_value = float(mannwhitneyu(here, others, method="asymptotic").pvalue) if np.ptp(distance[known]) > 0 else 1.0
        where = f"distance {middle:.2f}, {usual:.2f} in the queue"
        far = middle > RARER * usual
        words = f"far from every image named rightly ({where})" if far else f"close to images named rightly ({where})"
        yield Tested(int(number), p_value, words, far or middle < usual / RARER)
