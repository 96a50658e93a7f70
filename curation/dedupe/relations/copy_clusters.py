"""Copies and their keepers: which of the nearest pairs are copies, and which image of each group stays.

First the nearest pairs are verified until no two groups of copies can be joined any more: in rounds, each of a
spanning forest (Boruvka 1926), so that a hundred copies of one picture cost a hundred comparisons. Then each group is
divided from its best image down, as in star clustering (Aslam, Pelekhov and Rus 2004): every copy was compared with its
keeper directly. Neither depends on the number of workers or on the order of the images.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import cluster_kernels
from curation.dedupe.relations.nearest_pairs import Edges, Rows
from curation.dedupe.relations.pair_verifier import Pair, PairVerifier, Words, ordered
from curation.dedupe.verification.compare_pictures import Verdict
from curation.tables.codes import Relation

Verdicts = dict[Pair, Verdict]


def verify_nearest(edges: Edges, verifier: PairVerifier, words: Words, size: int) -> tuple[Verdicts, Rows]:
    """Verify the nearest pairs, best thumbnails first; give the verdicts, and the root of each row's group of copies.

    Two images that are in one group of copies already are not compared.
    """
    parent = np.arange(size, dtype=np.int32)
    _unite(parent, sorted(words.copies))
    pairs = np.column_stack([edges.left, edges.right]).astype(np.int32)
    waiting = pairs[np.lexsort((edges.right, edges.left, -edges.similarity))]
    found: Verdicts = {}
    while len(waiting := np.ascontiguousarray(waiting[cluster_kernels.apart(parent, waiting)])):
        chosen = cluster_kernels.forest(parent, waiting)
        asked = [(int(one), int(other)) for one, other in waiting[chosen]]
        answers = verifier.verdicts(asked)
        found.update(zip(asked, answers, strict=True))
        agreed = zip(asked, answers, strict=True)
        _unite(parent, [pair for pair, verdict in agreed if verdict.relation is Relation.COPY])
        waiting = waiting[~chosen]
    cluster_kernels.flatten(parent)
    return found, parent


def _unite(parent: Rows, pairs: list[Pair]) -> None:
    cluster_kernels.unite(parent, np.array(pairs, np.int32).reshape(-1, 2))


def keepers(roots: Rows, rank: Rows, verifier: PairVerifier, words: Words) -> tuple[Rows, Verdicts]:
    """The keeper of each row, int32 [n], and the verdict of each copy with its keeper.

    rank: int32 [n]; of two copies the one of the smaller rank stays.
    """
    keeper = np.arange(len(roots), dtype=np.int32)
    found: Verdicts = {}
    nodes = _nodes(words, len(roots))
    groups = [_by_rank(rows, rank) for rows in components(roots)]
    while groups:
        asked = [ordered(rows[0], other) for rows in groups for other in rows[1:]]
        answers = dict(zip(asked, verifier.verdicts(asked), strict=True))
        left = []
        for rows in groups:
            star = _star(rows, answers, nodes, words)
            keeper[star] = rows[0]
            found.update({ordered(rows[0], row): answers[ordered(rows[0], row)] for row in star[1:]})
            rest = [row for row in rows if row not in set(star)]
            if len(rest) > 1:
                left.append(rest)
        groups = left
    return keeper, found


def _star(rows: list[int], answers: Verdicts, nodes: dict[int, int], words: Words) -> list[int]:
    """The first row and its copies: those that agree on their pixels, and those that people said to be copies of one.

    Two images that people said to be different are never both copies of one keeper.
    """
    star = [rows[0]]
    named = {nodes.get(rows[0], -1)}
    for row in rows[1:]:
        is_copy = nodes.get(row, -2) in named or answers[ordered(rows[0], row)].relation is Relation.COPY
        if is_copy and not any(ordered(row, member) in words.different for member in star):
            star.append(row)
            named.add(nodes.get(row, -1))
    return star


def _nodes(words: Words, size: int) -> dict[int, int]:
    """For the rows that people said to be copies, the smallest row of all that such words connect."""
    parent = np.arange(size, dtype=np.int32)
    _unite(parent, sorted(words.copies))
    return {row: int(cluster_kernels.root(parent, row)) for pair in words.copies for row in pair}


def _by_rank(rows: Rows, rank: Rows) -> list[int]:
    return [int(row) for row in rows[np.argsort(rank[rows])]]


def same_pixels_as(keeper: Rows, rank: Rows, verifier: PairVerifier) -> Rows:
    """For each row the best row of its cluster that has exactly its decoded pixels, int32 [n]; else its own."""
    out = np.arange(len(keeper), dtype=np.int32)
    clusters = [_by_rank(rows, rank) for rows in components(keeper)]
    asked = [row for rows in clusters for row in verifier.of_one_size(rows)]
    content = dict(zip(asked, verifier.contents(asked), strict=True))
    for rows in clusters:
        first: dict[str, int] = {}
        for row in rows:
            if content.get(row):
                out[row] = first.setdefault(content[row], row)
    return out


def components(roots: NDArray[np.int32]) -> Iterator[Rows]:
    """Yield the rows, ascending, of each group of two or more."""
    order = np.argsort(roots, kind="stable").astype(np.int32)
    edges = np.flatnonzero(np.diff(roots[order])) + 1
    for rows in np.split(order, edges):
        if len(rows) > 1:
            yield rows
