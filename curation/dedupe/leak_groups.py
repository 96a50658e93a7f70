"""Leak groups: which images no split may separate, as connected components of the similarity.

The components are found at several levels at once, from `leak_similarity` (images that a split must not separate) up to
`min_similarity` (copies). Only one union-find for each level is kept in memory, not the pairs. The danger of connected
components is known from other tools: a chain (a is like b, b is like c, and so on) can link pictures that have nothing
in common. So a leak group with more than `max_group` images is replaced by its parts at the next level. What is still
too large at the last level is replaced by its clusters (a keeper with its verified copies). Every cut is reported, and
no cut depends on the order of the images.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import cluster_kernels, thumbnail_agreement
from curation.dedupe.candidates import candidates, is_large
from curation.dedupe.image_arrays import Pictures, release
from curation.engine.processes import count
from curation.params.blocks import Dedupe

Rows = NDArray[np.int32]
Arrays = tuple[NDArray[np.uint64], NDArray[np.uint8], NDArray[np.bool_]]
SLICE = 2048  # pairs a thread verifies at a time
LEVELS = 5


class Cut(NamedTuple):
    """A leak group that was too large: its size, the size of its largest part, and the similarity of the cut."""

    size: int
    largest: int
    similarity: float


class Linked(NamedTuple):
    """roots [LEVELS, n]: the smallest row of each row's group, widest level first; pairs seen; pairs compared."""

    roots: Rows
    candidates: int
    verified: int


def levels(params: Dedupe) -> list[float]:
    """Similarity of each level, from the widest groups to the narrowest."""
    low = min(params.leak_similarity, params.min_similarity)
    return [float(np.float32(level)) for level in np.linspace(low, params.min_similarity, LEVELS)]


def link(pictures: Pictures, params: Dedupe, workers: int = 0) -> Linked:
    """Connect the candidates that agree on their pixels. Two images in one group of copies are not compared again."""
    parents = np.tile(np.arange(len(pictures.facts), dtype=np.int32), (LEVELS, 1))
    seen = verified = 0
    with ThreadPoolExecutor(count(workers)) as threads:
        for pairs in candidates(pictures, params, threads, count(workers)):
            seen += len(pairs)
            fresh = np.ascontiguousarray(pairs[cluster_kernels.apart(parents[-1], pairs)])
            verified += len(fresh)
            found = verify(pictures, fresh, threads)
            for parent, level in zip(parents, levels(params), strict=True):
                cluster_kernels.unite(parent, fresh, found >= level)
    for parent in parents:
        cluster_kernels.flatten(parent)
    return Linked(parents, seen, verified)


def arrays(pictures: Pictures) -> Arrays:
    """What the compiled loops compare: hashes, thumbnails, and whether a picture is large enough to be shifted."""
    return pictures.hashes, pictures.thumbnails, is_large(pictures)


def verify(pictures: Pictures, pairs: Rows, threads: ThreadPoolExecutor) -> NDArray[np.float32]:
    """Similarity, float32 [k], of each pair of candidates."""

    def part(low: int) -> NDArray[np.float32]:
        some = pairs[low : low + SLICE]
        found: NDArray[np.float32] = thumbnail_agreement.similarities(pictures.thumbnails, pictures.contents, some)
        release(pictures.thumbnails)
        release(pictures.contents.thumbnails)
        return found

    found = list(threads.map(part, range(0, len(pairs), SLICE)))
    return np.concatenate(found) if found else np.zeros(0, np.float32)


def components(roots: Rows) -> Iterator[Rows]:
    """Yield the rows, ascending, of each group of two or more."""
    order = np.argsort(roots, kind="stable").astype(np.int32)
    edges = np.flatnonzero(np.diff(roots[order])) + 1
    for rows in np.split(order, edges):
        if len(rows) > 1:
            yield rows


def leak_groups(linked: Linked, keeper: Rows, params: Dedupe) -> tuple[Rows, list[Cut]]:
    """The row that names each row's leak group, int32 [n], and the cuts that keep every group within max_group.

    keeper: int32 [n], the row of each row's keeper; it is the last level of the cuts.
    """
    group = linked.roots[0].copy()
    cuts = []
    for finer, level in zip([*linked.roots[1:], keeper], [*levels(params)[1:], 1.0], strict=True):
        sizes = np.bincount(group, minlength=len(group))
        for root in np.flatnonzero(sizes > params.max_group).tolist():
            rows = np.flatnonzero(group == root)
            parts = np.unique(finer[rows], return_counts=True)[1]
            group[rows] = finer[rows]
            if len(parts) > 1:
                cuts.append(Cut(len(rows), int(parts.max()), level))
    return _named_by_smallest(group), cuts


def _named_by_smallest(group: Rows) -> Rows:
    """Name each group by its smallest row, also where a keeper named it."""
    rows = np.arange(len(group), dtype=np.int32)
    smallest = np.full(len(group), len(group), np.int32)
    np.minimum.at(smallest, group, rows)
    return smallest[group]
