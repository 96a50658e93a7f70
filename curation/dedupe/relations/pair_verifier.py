"""The one place that asks for the pixels: verdicts of pairs of rows, as settings and people change them.

A verdict is asked for once, the smaller row first, so it is symmetric. What a person decided about a pair stands above
what the pixels say, and `dedupe.mirrored` and `dedupe.turned` say what a mirrored or turned copy is.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import pandas as pd

from curation.dedupe import cluster_kernels
from curation.dedupe.candidates import FLAT
from curation.dedupe.relations.bursts import TimeOf, seconds_of
from curation.dedupe.verification.compare_pictures import NOTHING, Verdict
from curation.dedupe.verification.file_pixels import CompareFiles, ContentOf, FileFacts, ImageFiles, forget_pictures
from curation.engine.mapping import chunks, run
from curation.engine.processes import count
from curation.engine.progress import track
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation

BLOCK = 32  # pairs that a worker compares at a time; neighbours share pictures
FEW = 8  # blocks up to which no processes are started
Pair = tuple[int, int]
Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Words(NamedTuple):
    """What people decided on pairs of rows, the smaller first: they are copies, or they are none."""

    copies: frozenset[Pair] = frozenset()
    different: frozenset[Pair] = frozenset()


def words_of(decided: pd.DataFrame | None, facts: pd.DataFrame) -> Words:
    """Take decisions.fold.pairs (first, second, copy) where both images are rows of `facts`."""
    if decided is None or decided.empty:
        return Words()
    rows = dict(zip(facts["image_id"], range(len(facts)), strict=True))
    found: dict[bool, set[Pair]] = {True: set(), False: set()}
    for first, second, copy in decided[["first", "second", "copy"]].itertuples(index=False):
        if first in rows and second in rows:
            found[bool(copy)].add(ordered(rows[first], rows[second]))
    return Words(frozenset(found[True]), frozenset(found[False]))


def ordered(one: int, other: int) -> Pair:
    """The pair with its smaller row first."""
    return (one, other) if one < other else (other, one)


def by_group(pairs: list[Pair], size: int) -> list[Pair]:
    """The pairs of `size` rows in an order in which a file is decoded once: those that share rows come together."""
    parent = np.arange(size, dtype=np.int32)
    cluster_kernels.unite(parent, np.array(pairs, np.int32).reshape(-1, 2))
    return sorted(pairs, key=lambda pair: (cluster_kernels.root(parent, pair[0]), pair))


class PairVerifier:
    """Answers what pairs of rows are to each other, and remembers it."""

    def __init__(self, facts: pd.DataFrame, files: ImageFiles, params: Dedupe, words: Words, workers: int = 0) -> None:
        """facts: image_id, path, captured_at, width, height, hash_quality of each row."""
        self._paths, self._ids, self._times = (facts[name].array for name in ("path", "image_id", "captured_at"))
        self._sides = facts[["width", "height"]].max(axis=1).to_numpy()
        self._shapes = facts[["width", "height"]].to_numpy()
        self._flat = facts["hash_quality"].to_numpy() < FLAT
        self._files, self._params, self._words, self._workers = files, params, words, workers
        self._known: dict[Pair, Verdict] = {}
        self._contents: dict[int, str] = {}
        self.compared = 0

    def verdicts(self, pairs: Iterable[Pair]) -> list[Verdict]:
        """The verdict of each pair, the smaller row first; `orientation` is that of the larger row on the smaller."""
        asked = list(pairs)
        fresh = sorted({pair for pair in asked if pair not in self._known})
        flat = [pair for pair in fresh if self._flat[pair[0]] or self._flat[pair[1]]]
        for pair, same in zip(flat, self._same(flat), strict=True):
            self._known[pair] = self._settled(pair, Verdict(Relation.COPY, 0, 0.0) if same else NOTHING)
        rest = by_group([pair for pair in fresh if pair not in self._known], len(self._ids))
        files = [(self._file(one), self._file(other)) for one, other in rest]
        self.compared += len(fresh)
        for pair, verdict in zip(rest, self._map(CompareFiles(self._files), files), strict=True):
            self._known[pair] = self._settled(pair, verdict)
        return [self._known[pair] for pair in asked]

    def contents(self, rows: Sequence[int]) -> list[str]:
        """A text for each row that is equal where all decoded pixels are equal; "" where a file can't be read."""
        fresh = sorted({row for row in rows if row not in self._contents})
        answers = self._map(ContentOf(self._files), [str(self._paths[row]) for row in fresh])
        self._contents.update(zip(fresh, answers, strict=True))
        return [self._contents[row] for row in rows]

    def seconds(self, rows: Sequence[int]) -> list[float | None]:
        """When each row was taken, in seconds: what the metadata says, or else the file; None where neither does."""
        told = {row: seconds_of(str(self._times[row])) for row in rows}
        silent = [row for row in rows if told[row] is None]
        answers = self._map(TimeOf(self._files), [str(self._paths[row]) for row in silent])
        told.update({row: seconds_of(text) for row, text in zip(silent, answers, strict=True)})
        return [told[row] for row in rows]

    def of_one_size(self, rows: Sequence[int]) -> list[int]:
        """The rows whose width and height another of the rows has as well."""
        shapes = [tuple(self._shapes[row]) for row in rows]
        return [row for row, shape in zip(rows, shapes, strict=True) if shapes.count(shape) > 1]

    def close(self) -> None:
        """Forget the pictures."""
        forget_pictures()

    def _same(self, pairs: list[Pair]) -> list[bool]:
        alike = [pair for pair in pairs if (self._shapes[pair[0]] == self._shapes[pair[1]]).all()]
        rows = sorted({row for pair in alike for row in pair})
        content = dict(zip(rows, self.contents(rows), strict=True))
        found = {pair for pair in alike if content[pair[0]] and content[pair[0]] == content[pair[1]]}
        return [pair in found for pair in pairs]

    def _map(self, function: Callable[[list[Item]], list[Answer]], items: Iterable[Item]) -> list[Answer]:
        blocks = list(chunks(items, BLOCK))
        workers = 1 if len(blocks) <= FEW else count(self._workers)
        answers = track(run(function, blocks, workers=workers, chunk=1), len(blocks), "dedupe", f"x {BLOCK}")
        return [answer for block in answers for answer in block]

    def _file(self, row: int) -> FileFacts:
        return FileFacts(str(self._ids[row]), str(self._paths[row]), int(self._sides[row]))

    def _settled(self, pair: Pair, verdict: Verdict) -> Verdict:
        """The verdict after the settings on mirrored and turned copies, and after what people decided."""
        if pair in self._words.copies:
            return verdict._replace(relation=Relation.COPY)
        relation = verdict.relation
        if relation is Relation.COPY:
            relation = self._pose(verdict.orientation)
        if relation is Relation.COPY and pair in self._words.different:
            relation = Relation.SAME_SCENE
        return verdict._replace(relation=relation)

    def _pose(self, orientation: int) -> Relation:
        """What a copy in this orientation is; of two settings that hold, the one that removes less."""
        said = [self._params.mirrored] if orientation >= 4 else []
        said += [self._params.turned] if orientation % 4 else []
        if "ignore" in said:
            return Relation.NONE
        return Relation.SAME_SCENE if "same scene" in said else Relation.COPY
