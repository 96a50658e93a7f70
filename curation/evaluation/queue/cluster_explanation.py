"""Why a cluster of errors exists: sentences made of measured facts, with their numbers.

The first sentence counts which labels are taken for which. The others are facts that tell the cluster from the rest of
the queue: see `cluster_facts`, which tests them. The last says how well reruns find the cluster again.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from curation.evaluation.queue.cluster_facts import MOST, facts_of
from curation.evaluation.queue.error_clusters import representatives

NOISE = "in no cluster: unlike the other errors"


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

    points: reduced embeddings float [n, d] of its rows. right: the images outside of the queue, predicted correctly.
    stable: for each cluster, how well reruns find it again, 0 to 1.
    """
    facts = facts_of(queue, right)
    found = []
    for number in sorted(set(queue["cluster"])):
        part = queue[queue["cluster"] == number]
        rows = part.index.to_numpy()
        if number == -1:
            found.append(Cluster(-1, NOISE, []))
            continue
        again = f"found again in {stable.get(int(number), 0):.0%} over reruns"
        words = "; ".join([*_pairs(part), *_conflicts(part), *facts.get(int(number), []), again])
        found.append(Cluster(int(number), words, representatives(points[rows], rows)))
    return found


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


def _conflicts(part: pd.DataFrame) -> Iterator[str]:
    conflicts = int((part["conflict"] != "").sum())
    if conflicts:
        yield f"{conflicts} have a copy with another label"
