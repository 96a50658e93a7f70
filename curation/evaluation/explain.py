"""Why a cluster exists, in words, from facts that can be measured and checked."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

REPRESENTATIVES = 3
NOISE = "no cluster: unlike the other errors"


@dataclass(frozen=True)
class Cluster:
    """A cluster's number, its explanation, and the rows of the queue that stand for it."""

    number: int
    words: str
    representatives: list[int]


def explanations(queue: pd.DataFrame, points: NDArray[np.float32]) -> list[Cluster]:
    """Explain every cluster of the queue (columns of ERRORS' making); `points` are its reduced embeddings."""
    found = []
    for number in sorted(set(queue["cluster"])):
        part = queue[queue["cluster"] == number]
        rows = part.index.to_numpy()
        centre = points[rows].mean(axis=0)
        nearest = np.argsort(((points[rows] - centre) ** 2).sum(axis=1), kind="stable")[:REPRESENTATIVES]
        words = NOISE if number == -1 else "; ".join(_facts(part, queue))
        found.append(Cluster(int(number), words, [] if number == -1 else [int(row) for row in rows[nearest]]))
    return found


def _facts(part: pd.DataFrame, queue: pd.DataFrame) -> Iterator[str]:
    pairs = (part["label"] + " taken for " + part["predicted"])[part["label"] != part["predicted"]].value_counts()
    if len(pairs):
        yield f"{pairs.iloc[0]} of {len(part)} are {pairs.index[0]}"
    else:
        label = part["label"].value_counts()
        yield f"{label.iloc[0]} of {len(part)} are {label.index[0]}, rightly named but unsure"
    yield from _text_facts(part, queue)


def _text_facts(part: pd.DataFrame, queue: pd.DataFrame) -> Iterator[str]:
    for column, word in (("subclass", "sub-class"), ("origin", "origin"), ("split", "split")):
        counts = part.loc[part[column] != "", column].value_counts()
        if len(counts):
            share, usual = counts.iloc[0] / len(part), (queue[column] == counts.index[0]).mean()
            if share >= 0.6 and share >= 1.5 * usual:
                yield f"{share:.0%} have the {word} {counts.index[0]} ({usual:.0%} of the queue)"
