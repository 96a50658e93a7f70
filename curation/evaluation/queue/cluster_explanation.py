"""Why a cluster of errors exists: sentences made of measured facts, with their numbers.

A fact is stated when it holds for at least half of a cluster and is clearly rarer elsewhere. For texts, elsewhere is
the rest of the queue. For measures of the image, it is the images that the model predicts correctly.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.queue.error_clusters import representatives

NOISE = "in no cluster: unlike the other errors"
MOST, RARER = 0.5, 1.5  # a fact holds for half of a cluster, and for one and a half times the usual share
TAIL = 0.1  # share of the correct images that counts as dark, bright, blurred and so on
MEASURES = {
    "brightness": ("dark", "bright"),
    "contrast": ("of low contrast", "of high contrast"),
    "blur": ("blurred", "sharp"),  # it is the variance of the Laplacian: high where edges are
    "size": ("small", "large"),
}


@dataclass(frozen=True)
class Cluster:
    """A cluster's number, its explanation, and the rows of the queue that represent it."""

    number: int
    words: str
    representatives: list[int]


def explanations(
    queue: pd.DataFrame, points: NDArray[np.float32], right: pd.DataFrame, stable: dict[int, float]
) -> list[Cluster]:
    """Explain every cluster of the queue.

    points: reduced embeddings float [n, d] of its rows. right: measures of the images that are predicted correctly.
    stable: for each cluster, how well reruns find it again, 0 to 1.
    """
    tails = {name: _tails(right[name]) for name in MEASURES if len(right)}
    found = []
    for number in sorted(set(queue["cluster"])):
        part = queue[queue["cluster"] == number]
        rows = part.index.to_numpy()
        if number == -1:
            found.append(Cluster(-1, NOISE, []))
            continue
        facts = [*_pairs(part), *_texts(part, queue), *_measures(part, tails), *_labels(part), *_distance(part, queue)]
        again = f"found again in {stable.get(int(number), 0):.0%} over reruns"
        found.append(Cluster(int(number), "; ".join([*facts, again]), representatives(points[rows], rows)))
    return found


def _tails(values: pd.Series) -> tuple[float, float]:
    return float(values.quantile(TAIL)), float(values.quantile(1 - TAIL))


def _pairs(part: pd.DataFrame) -> Iterator[str]:
    """The pair (label, prediction) of most images; without one, the most frequent prediction or label, and pair."""
    wrong = part[part["label"] != part["taken"]]
    if wrong.empty:
        label, count = _most(part["label"])
        yield f"{count} of {len(part)} are {label}, named rightly but unsurely"
        return
    pairs = wrong["label"] + " taken for " + wrong["taken"]
    pair, count = _most(pairs)
    shares = [(words, *_most(wrong[column])) for column, words in (("taken", "taken for"), ("label", "labelled"))]
    shared = next((f"{many} {words} {name}" for words, name, many in shares if many >= MOST * len(part)), "")
    if shared and count < MOST * len(part):
        yield f"{shared.replace(' ', f' of {len(part)} are ', 1)}, most often {pair} ({count})"
    else:
        yield f"{count} of {len(part)} are {pair}"
    back = int((pairs == " taken for ".join(reversed(pair.split(" taken for ")))).sum())
    if back:
        yield f"{back} the other way round"


def _most(texts: "pd.Series[str]") -> tuple[str, int]:
    """The most frequent text, the first of equals, and how often it occurs."""
    counts = texts.value_counts(sort=False).sort_index()
    return str(counts.idxmax()), int(counts.max())


def _texts(part: pd.DataFrame, queue: pd.DataFrame) -> Iterator[str]:
    for column, word in (("subclass", "the sub-class"), ("origin", "the origin"), ("split", "the split")):
        counts = part.loc[part[column] != "", column].value_counts(sort=False).sort_index()
        if len(counts):
            share, usual = counts.max() / len(part), float((queue[column] == counts.idxmax()).mean())
            if share >= MOST and share >= RARER * usual:
                yield f"{share:.0%} have {word} {counts.idxmax()} ({usual:.0%} of the queue)"


def _measures(part: pd.DataFrame, tails: dict[str, tuple[float, float]]) -> Iterator[str]:
    for name, (low, high) in tails.items():
        below, above = float((part[name] < low).mean()), float((part[name] > high).mean())
        for share, word in ((below, MEASURES[name][0]), (above, MEASURES[name][1])):
            if share >= MOST and low < high:
                yield f"{share:.0%} are {word} (against {TAIL:.0%} of the images named rightly)"


def _labels(part: pd.DataFrame) -> Iterator[str]:
    conflicts = int((part["conflict"] != "").sum())
    crowded = int(part["crowded"].sum())
    doubtful = float((part["label_error"] >= 0.5).mean())
    if conflicts:
        yield f"{conflicts} have a copy with another label"
    if crowded >= MOST * len(part):
        yield f"{crowded} have near-duplicates"
    if doubtful >= MOST:
        yield f"{doubtful:.0%} of the labels are probably wrong"


def _distance(part: pd.DataFrame, queue: pd.DataFrame) -> Iterator[str]:
    """Whether a cluster is clearly farther from the nearest correct images than the rest of the queue, or nearer."""
    here, usual = part["distance"].median(), queue["distance"].median()
    if np.isfinite(here) and np.isfinite(usual) and usual > 0:
        if here > RARER * usual:
            yield f"far from every image named rightly (distance {here:.2f}, {usual:.2f} in the queue)"
        elif here < usual / RARER:
            yield f"close to images named rightly (distance {here:.2f}, {usual:.2f} in the queue)"
