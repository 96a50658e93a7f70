"""Leak groups: images that a split must not separate, as connected components of a wide similarity.

A chain (a like b, b like c, ...) can link pictures that have nothing in common, the mega-groups that other tools are
known for. So a group that grows past `max_group` is cut at a stricter similarity, step by step; what is still too large
is cut down to stars, a keeper with its verified twins, which are never separated. Every cut is reported.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation import workers as pool
from curation.dedupe import agreement, twins
from curation.dedupe.candidates import candidates
from curation.dedupe.pictures import Pictures
from curation.params.blocks import Dedupe

Rows = NDArray[np.int32]
SLICE = 4096  # pairs a thread verifies at a time


class Cut(NamedTuple):
    """A leak group that was too large: its size, the size of its largest part, and the similarity it was cut at."""

    size: int
    largest: int
    similarity: float


class Linked(NamedTuple):
    """parent [n]: the row that stands for each row's group; how many pairs were seen, and compared on their pixels."""

    parent: Rows
    candidates: int
    verified: int


def link(pictures: Pictures, params: Dedupe, workers: int = 0) -> Linked:
    """Connect all images within the leak radius whose thumbnails agree."""
    parent = np.arange(len(pictures.facts), dtype=np.int32)
    seen = verified = 0
    with ThreadPoolExecutor(pool.count(workers)) as threads:
        for pairs in candidates(pictures, params.leak_radius, workers):
            seen += len(pairs)
            fresh = np.ascontiguousarray(pairs[twins.apart(parent, pairs)])
            verified += len(fresh)
            twins.unite(parent, fresh, verify(pictures, fresh, threads) >= np.float32(params.leak_similarity))
    return Linked(parent, seen, verified)


def verify(pictures: Pictures, pairs: Rows, threads: ThreadPoolExecutor) -> NDArray[np.float32]:
    """Similarity of each pair (row that is turned, row, orientation)."""
    parts = [pairs[k : k + SLICE] for k in range(0, len(pairs), SLICE)]
    found = list(threads.map(lambda part: agreement.similarities(pictures.thumbnails, part), parts))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def components(parent: Rows) -> Iterator[Rows]:
    """Yield the rows of each group of two or more."""
    roots = np.array([twins.root(parent, row) for row in range(len(parent))], np.int32)
    order = np.argsort(roots, kind="stable").astype(np.int32)
    edges = np.flatnonzero(np.diff(roots[order])) + 1
    for rows in np.split(order, edges):
        if len(rows) > 1:
            yield rows


def cut(pictures: Pictures, rows: Rows, keeper: Rows, params: Dedupe) -> tuple[list[Rows], list[Cut]]:
    """Cut a group to parts of at most max_group images, at the mildest similarity that does it; keep stars whole."""
    if len(rows) <= params.max_group:
        return [rows], []
    parts, cuts = [rows], []
    for level in np.linspace(params.leak_similarity, params.min_similarity, 4)[1:].tolist():
        large = [part for part in parts if len(part) > params.max_group]
        parts = [part for part in parts if len(part) <= params.max_group]
        for part in large:
            pieces = _split(pictures, part, keeper, (params.leak_radius, level))
            parts += pieces
            if len(pieces) > 1:
                cuts.append(Cut(len(part), max(map(len, pieces)), level))
    for part in [part for part in parts if len(part) > params.max_group]:
        pieces = [part[keeper[part] == k] for k in np.unique(keeper[part])]
        parts = [kept for kept in parts if kept is not part] + pieces
        cuts.append(Cut(len(part), max(map(len, pieces)), 1.0))
    return parts, cuts


def _split(pictures: Pictures, rows: Rows, keeper: Rows, limits: tuple[int, float]) -> list[Rows]:
    place = {row: k for k, row in enumerate(rows.tolist())}
    parent = np.array([place[k] for k in keeper[rows].tolist()], np.int32)
    twins.connect((pictures.hashes, pictures.thumbnails), rows, limits, parent)
    roots = np.array([twins.root(parent, k) for k in range(len(parent))])
    return [rows[roots == k] for k in np.unique(roots)]
