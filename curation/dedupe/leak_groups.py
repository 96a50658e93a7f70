"""Scenes and leak groups: which images show one scene, and which images no split may separate.

A scene is a connected component: of copies, of pairs that show the same scene, and of pairs whose thumbnails agree
(`leak_similarity`). A scene is a leak group. The danger of connected components is known from other tools: a chain (a
is like b, b is like c, and so on) can link pictures that have nothing in common, and a fixed camera makes one scene of
all its pictures. So a group with more than `max_group` images is replaced by its parts at the next level, where the
thumbnails must agree better. In a scene that is too large by its pixels alone, only near-equal contents and
bursts in time stay together, because thumbnails see little but the ground there. What is still too large at the last
level is replaced by its clusters (a keeper with its verified copies). Every cut is reported, and no cut depends on the
order of the images.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curation.dedupe import cluster_kernels
from curation.dedupe.relations.bursts import bursts
from curation.dedupe.relations.copy_clusters import Verdicts
from curation.dedupe.relations.nearest_pairs import Edges, Rows
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation

Seconds = Callable[[list[int]], list[float | None]]

LEVELS = 5
TOP = 0.95  # similarity of the thumbnails at the last level
NEAR_EQUAL = 0.005  # share of the pixels that near-equal contents may differ in
SMALL_SCENE = 20  # near-equal contents of a large scene that are more than so many are not kept together


class Cut(NamedTuple):
    """A leak group that was too large: its size, the size of its largest part, and the similarity of the cut."""

    size: int
    largest: int
    similarity: float


def levels(params: Dedupe) -> list[float]:
    """Similarity of the thumbnails at each level, from the widest groups to the narrowest."""
    low = min(params.leak_similarity, TOP)
    return [float(np.float32(level)) for level in np.linspace(low, TOP, LEVELS)]


def scene_levels(edges: Edges, verdicts: Verdicts, keeper: Rows, params: Dedupe, seconds: Seconds) -> Rows:
    """The smallest row of each row's group at each level, int32 [LEVELS, n], the scenes first.

    seconds: says when rows were taken, None where nobody knows; only rows of large scenes are asked for.
    """
    copies = _pairs([(int(row), int(stays)) for row, stays in enumerate(keeper) if row != stays])
    scenes = _pairs([pair for pair, verdict in verdicts.items() if verdict.relation is not Relation.NONE])
    shown = _roots(len(keeper), copies, scenes)
    large = (np.bincount(shown, minlength=len(shown)) > params.max_group)[shown]
    equal = np.concatenate([_near_equal(verdicts, copies, len(keeper)), _bursts(shown, large, params, seconds)])
    thumbnails = np.column_stack([edges.left, edges.right]).astype(np.int32)
    out = [_roots(len(keeper), copies, scenes, thumbnails[edges.similarity >= levels(params)[0]])]
    for level in levels(params)[1:]:
        agree = thumbnails[(edges.similarity >= level) & ~(large[edges.left] & large[edges.right])]
        out.append(_roots(len(keeper), copies, equal, scenes[~large[scenes[:, 0]]], agree))
    return np.stack(out)


def _near_equal(verdicts: Verdicts, copies: Rows, size: int) -> Rows:
    """Pairs of one scene that hardly differ, as long as they connect no more than SMALL_SCENE images."""
    pairs = _pairs(
        [
            pair
            for pair, verdict in verdicts.items()
            if verdict.relation is Relation.COPY
            or (verdict.relation is Relation.SAME_SCENE and verdict.changed <= NEAR_EQUAL)
        ]
    )
    roots = _roots(size, copies, pairs)
    few = (np.bincount(roots, minlength=size) <= SMALL_SCENE)[roots]
    return pairs[few[pairs[:, 0]]]


def _bursts(shown: Rows, large: NDArray[np.bool_], params: Dedupe, seconds: Seconds) -> Rows:
    """Pairs of one large scene that were taken one right after the other, unless they connect more than max_group."""
    found = [np.zeros((0, 2), np.int32)]
    for root in np.unique(shown[large]).tolist():
        rows = np.flatnonzero(shown == root).astype(np.int32)
        found.append(bursts(rows, seconds(rows.tolist())))
    pairs = np.concatenate(found)
    roots = _roots(len(shown), pairs)
    few = (np.bincount(roots, minlength=len(shown)) <= params.max_group)[roots]
    return pairs[few[pairs[:, 0]]]


def _pairs(pairs: list[tuple[int, int]]) -> Rows:
    return np.array(pairs, np.int32).reshape(-1, 2)


def _roots(size: int, *connected: Rows) -> Rows:
    parent = np.arange(size, dtype=np.int32)
    for pairs in connected:
        cluster_kernels.unite(parent, np.ascontiguousarray(pairs))
    cluster_kernels.flatten(parent)
    return parent


def leak_groups(roots: Rows, keeper: Rows, params: Dedupe) -> tuple[Rows, list[Cut]]:
    """The row that names each row's leak group, int32 [n], and the cuts that keep every group within max_group.

    roots: of `scene_levels`. keeper: int32 [n], the row of each row's keeper; it is the last level of the cuts.
    """
    group = roots[0].copy()
    cuts = []
    for finer, level in zip([*roots[1:], keeper], [*levels(params)[1:], 1.0], strict=True):
        sizes = np.bincount(group, minlength=len(group))
        for root in np.flatnonzero(sizes > params.max_group).tolist():
            rows = np.flatnonzero(group == root)
            parts = np.unique(finer[rows], return_counts=True)[1]
            group[rows] = finer[rows]
            if len(parts) > 1:
                cuts.append(Cut(len(rows), int(parts.max()), level))
    return _named_by_smallest(group), cuts


def _named_by_smallest(group: Rows) -> NDArray[np.int32]:
    """Name each group by its smallest row, also where a keeper named it."""
    rows = np.arange(len(group), dtype=np.int32)
    smallest = np.full(len(group), len(group), np.int32)
    np.minimum.at(smallest, group, rows)
    return smallest[group]
