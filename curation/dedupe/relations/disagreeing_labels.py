"""Label conflicts: which other labels the copies of an image carry."""

from collections.abc import Iterable, Iterator

import pandas as pd

from curation.dedupe.relations.copy_clusters import Verdicts
from curation.dedupe.relations.nearest_pairs import Rows
from curation.dedupe.relations.pair_verifier import Pair
from curation.tables.class_names import UNKNOWN
from curation.tables.codes import Relation


def disagreeing_labels(facts: pd.DataFrame, keeper: Rows, verdicts: Verdicts) -> dict[int, str]:
    """For each row in conflict, the other labels of its copies or of files with the same bytes, joined by " / ".

    All copies of one keeper are copies of each other here, and so are pairs that were verified across clusters.
    """
    labels = facts["label"].tolist()
    others: dict[int, set[str]] = {}
    for row, copies in enumerate(facts["copy_labels"]):
        if len(copies) and (found := set(copies) - {"", UNKNOWN, labels[row]}):
            others[row] = found
    for rows in _clusters(keeper, verdicts):
        told = {labels[row] for row in rows} - {"", UNKNOWN}
        for row in rows if len(told) > 1 else ():
            if labels[row] in told:
                others.setdefault(row, set()).update(told - {labels[row]})
    return {row: " / ".join(sorted(found)) for row, found in others.items()}


def _clusters(keeper: Rows, verdicts: Verdicts) -> Iterator[Iterable[int]]:
    clusters: dict[int, list[int]] = {}
    for row, stays in enumerate(keeper.tolist()):
        if row != stays:
            clusters.setdefault(stays, [stays]).append(row)
    yield from clusters.values()
    pairs: list[Pair] = [pair for pair, verdict in verdicts.items() if verdict.relation is Relation.COPY]
    yield from (pair for pair in pairs if keeper[pair[0]] != keeper[pair[1]])
