"""The one place that asks for the pixels: verdicts of pairs of rows, as settings and people change them.

A verdict is asked for once, the smaller row first, so it is symmetric. What a person decided about a pair stands above
what the pixels say, and `dedupe.mirrored` and `dedupe.turned` say what a mirrored or turned copy is.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

import pandas as pd

from curation.dedupe.candidates import FLAT
from curation.dedupe.verification.compare_pictures import NOTHING, Verdict
from curation.dedupe.verification.file_pixels import CompareFiles, FileFacts, ImageFiles, SamePixels, forget_pictures
from curation.engine.mapping import chunks, run
from curation.engine.processes import count
from curation.engine.progress import track
from curation.params.blocks import Dedupe
from curation.tables.codes import Relation

BLOCK = 32  # pairs that a worker compares at a time; neighbours share pictures
FEW = 8  # blocks up to which no processes are started
Pair = tuple[int, int]
Block = Sequence[tuple[FileFacts, FileFacts]]
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


class PairVerifier:
    """Answers what pairs of rows are to each other, and remembers it."""

    def __init__(self, facts: pd.DataFrame, files: ImageFiles, params: Dedupe, words: Words, workers: int = 0) -> None:
        """facts: image_id, path, width, height, hash_quality of each row."""
        self._paths, self._ids = facts["path"].array, facts["image_id"].array
        self._sides = facts[["width", "height"]].max(axis=1).to_numpy()
        self._shapes = facts[["width", "height"]].to_numpy()
        self._flat = facts["hash_quality"].to_numpy() < FLAT
        self._files, self._params, self._words, self._workers = files, params, words, workers
        self._known: dict[Pair, Verdict] = {}
        self.compared = 0

    def verdicts(self, pairs: Iterable[Pair]) -> list[Verdict]:
        """The verdict of each pair, the smaller row first; `orientation` is that of the larger row on the smaller."""
        asked = list(pairs)
        fresh = sorted({pair for pair in asked if pair not in self._known})
        flat = [pair for pair in fresh if self._flat[pair[0]] or self._flat[pair[1]]]
        for pair, same in zip(flat, self._same(flat), strict=True):
            self._known[pair] = self._settled(pair, Verdict(Relation.COPY, 0, 0.0) if same else NOTHING)
        rest = [pair for pair in fresh if pair not in self._known]
        self.compared += len(fresh)
        for pair, verdict in zip(rest, self._map(CompareFiles(self._files), rest), strict=True):
            self._known[pair] = self._settled(pair, verdict)
        return [self._known[pair] for pair in asked]

    def same_pixels(self, pairs: Sequence[Pair]) -> list[bool]:
        """Whether all decoded pixels of each pair are equal."""
        return self._same(list(pairs))

    def close(self) -> None:
        """Forget the pictures."""
        forget_pictures()

    def _same(self, pairs: list[Pair]) -> list[bool]:
        alike = [pair for pair in pairs if (self._shapes[pair[0]] == self._shapes[pair[1]]).all()]
        found = dict(zip(alike, self._map(SamePixels(self._files), alike), strict=True))
        return [found.get(pair, False) for pair in pairs]

    def _map(self, function: Callable[[Block], list[Answer]], pairs: list[Pair]) -> list[Answer]:
        blocks = list(chunks([(self._file(one), self._file(other)) for one, other in pairs], BLOCK))
        workers = 1 if len(blocks) <= FEW else count(self._workers)
        answers = track(run(function, blocks, workers=workers, chunk=1), len(blocks), "dedupe", f"x {BLOCK} pairs")
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
