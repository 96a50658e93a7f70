"""Compare two pictures: copy, same scene, or nothing that was seen.

Most pairs of a real collection are not moved and not lit anew. Those are decided where they lie, without keypoints:
frame on frame, in the orientation in which their coarse views agree best. All others are registered first.
"""

from typing import NamedTuple

import cv2
import numpy as np

from curation.dedupe.verification.colours import Colours, colours
from curation.dedupe.verification.compared_picture import ComparedPicture
from curation.dedupe.verification.copy_rule import (
    CELLS,
    LIT_SAME,
    NOISE,
    PROMINENCE,
    RICH,
    RICH_TONES,
    Evidence,
    differs_faintly,
    explains_all,
    is_copy,
)
from curation.dedupe.verification.light import explain
from curation.dedupe.verification.overlap import PLAIN, SOFTER, Way, lay_over
from curation.dedupe.verification.palettes import in_one_palette
from curation.dedupe.verification.registration import Matrix, Placed, by_frames, frame_on_frame, refine, register, slip
from curation.dedupe.verification.residuals import Residual, residual
from curation.dedupe.verification.structure import Structure, structure
from curation.tables.codes import Relation

GRID, CLOSE_GRID = 256, 960  # pixels of the long side at which pictures are compared, and for those of little structure
CERTAIN = 1.0  # noise of the plain residual up to which the light is unchanged for certain
EXPLAINED = 2.5  # and up to which it is where nothing stands out
STILL = 2.0  # and up to which a pair that differs in one place is not registered: the rest lies where it should
NEARLY_ALIKE = 0.85  # correlation of the details from which other ways to bring a pair together are tried
UNMOVED = 0.1  # pixels that a corner may move by, so that a picture is not moved at all
NEARLY = 0.015  # share of the side by which a corner may move, so that the picture lies where it did
SLIPPED = 0.4  # pixels by which a corner must move before such a pair is measured again, turned a little
SCENE_INLIERS, SCENE_CELLS = 20, 5  # matched keypoints that prove the same scene
SMALL = 64  # pixels of the shorter side below which pictures are compared where they lie
SCENE_SIDE = 128  # pixels of the shorter side below which a picture shows too little to prove a scene
MARK_SHARE = 0.1  # share of the picture that a mark may cover
MARK_JOIN = 0.03  # share of the long side by which parts of one mark may lie apart
MARK_REST = 8.0  # grey levels of residual that the rest of a marked copy may have


class Verdict(NamedTuple):
    """relation; orientation of the second picture on the first; share of pixels that differ; whether that is a mark."""

    relation: Relation
    orientation: int = 0
    changed: float = 1.0
    marked: bool = False


NOTHING = Verdict(Relation.NONE)


def compare(one: ComparedPicture, other: ComparedPicture) -> Verdict:
    """Compare two pictures; `other` turned by the verdict's orientation lies on `one`.

    Two small pictures of one kind, such as handwritten digits, agree in most of their few pixels. They are copies, or
    the pixels prove nothing.
    """
    verdict = _compare(one, other)
    small = min(one.width, one.height, other.width, other.height) < SCENE_SIDE
    return NOTHING if small and verdict.relation is Relation.SAME_SCENE else verdict


def _compare(one: ComparedPicture, other: ComparedPicture) -> Verdict:
    matrix, orientation = by_frames(one, other)
    if one.inside != one.whole or other.inside != other.whole:
        matrix = refine(one, other, matrix, homography=False)  # a border is trimmed to a pixel or two only
    still = evidence(one, other, Placed(matrix, 0, 0, orientation, False), GRID)
    if still and (decided := _where_they_lie(one, other, matrix, still)):
        return decided
    if min(one.width, one.height, other.width, other.height) < SMALL:
        return NOTHING
    placed = register(one, other)
    if placed is None:
        return NOTHING
    found = evidence(one, other, placed, GRID)
    if found and (copy := _as_copy(one, other, placed, found)):
        return copy
    proven = placed.inliers >= SCENE_INLIERS and placed.cells >= SCENE_CELLS
    return _scene(found, placed.orientation) if proven else NOTHING


def _as_copy(one: ComparedPicture, other: ComparedPicture, placed: Placed, found: Evidence) -> Verdict | None:
    """The verdict that a pair is a copy, as it lies or in another way to bring it together; None where it is none."""
    for way in (PLAIN, *_ways(found)):
        better = evidence(one, other, placed, GRID, way) if way != PLAIN else found
        if better and is_copy(better) and _holds_closer(one, other, placed.matrix, better, way):
            return Verdict(Relation.COPY, placed.orientation, _changed(better))
    return _as_repainted(one, other, placed, found) if _is_nearly(found) else None


def _as_repainted(one: ComparedPicture, other: ComparedPicture, placed: Placed, found: Evidence) -> Verdict | None:
    """The verdict that a pair is a copy once both have the colours of one palette."""
    if not _is_rich(found) or (pair := in_one_palette(one, other)) is None:
        return None
    better = evidence(*pair, placed, GRID)
    if better is None or not is_copy(better) or differs_faintly(better):
        return None
    return Verdict(Relation.COPY, placed.orientation, _changed(better))


def _ways(found: Evidence) -> list[Way]:
    """The other ways to bring a pair together that may explain what differs; none where too much does."""
    if not _is_nearly(found):
        return []
    sharpened = [Way(sharpened=True)] if found.sharper > SOFTER else []
    return sharpened if found.still else [*sharpened, Way(bent=True)]


def _is_nearly(found: Evidence) -> bool:
    return found.structure.correlation >= NEARLY_ALIKE and _left_over(found).noise <= NOISE


def _is_rich(found: Evidence) -> bool:
    return found.structure.share >= RICH and found.colours.tones >= RICH_TONES


def _where_they_lie(one: ComparedPicture, other: ComparedPicture, matrix: Matrix, found: Evidence) -> Verdict | None:
    """Decide a pair that is not moved; None where it may be."""
    if copy := _as_copy(one, other, Placed(matrix, 0, 0, found.orientation, False), found):
        return copy
    if found.plain.noise > STILL or found.structure.cells < CELLS or found.structure.share < RICH:
        return None
    stands_out = found.plain.area > 0 or found.plain.prominence > PROMINENCE  # as edges do that are moved a little
    moved = refine(one, other, matrix, homography=False) if stands_out else matrix
    if slip(one, matrix, moved) > SLIPPED:
        placed = Placed(moved, 0, 0, found.orientation, False)
        better = evidence(one, other, placed, GRID)
        if better and (copy := _as_copy(one, other, placed, better)):
            return copy
    return _scene(found, found.orientation)


def evidence(
    one: ComparedPicture, other: ComparedPicture, placed: Placed, grid: int, way: Way = PLAIN
) -> Evidence | None:
    """Measure a registered pair on a grid of so many pixels; None where they hardly overlap."""
    pair = lay_over(one, other, placed.matrix, grid, way)
    if pair is None:
        return None
    light = explain(pair, freely=False)
    plain, details, seen = residual(pair, light, spare_clipped=False), structure(pair, light), colours(pair)
    free = None
    if not _is_settled(plain, details, seen, pair.length):
        tinted = (other.tinted, one.tinted) if pair.swapped else (one.tinted, other.tinted)
        light = explain(pair, freely=True, tinted=tinted)
        free, details = residual(pair, light, spare_clipped=True), structure(pair, light)
    whole = frame_on_frame(one.whole, other.whole, placed.orientation)
    slipped = slip(one, whole, placed.matrix)
    still = slipped <= NEARLY * max(one.width, one.height)
    one_grey = seen.of_coloured > 0.1 and one.tinted != other.tinted
    return Evidence(
        plain, free, details, seen, pair.covered, pair.length,
        placed.orientation, placed.inliers, placed.cells, one_grey,
        still, slipped <= UNMOVED, pair.sharper, way.sharpened,
    )  # fmt: skip


def _is_settled(plain: Residual, details: Structure, seen: Colours, length: int) -> bool:
    """Whether no change of the light could alter the answer: it is unchanged, or explains all, or can't be a copy's.

    A free fit of the light is most of the time of a comparison.
    """
    if plain.noise <= CERTAIN:
        return True
    if plain.noise <= EXPLAINED and details.share >= RICH and explains_all(plain, length):
        return True
    return seen.same > LIT_SAME and plain.noise <= STILL and not explains_all(plain, length)


def _holds_closer(one: ComparedPicture, other: ComparedPicture, matrix: Matrix, found: Evidence, way: Way) -> bool:
    """Whether a copy with little structure or few tones still is one at a closer look, as text and graphics need it."""
    if _is_rich(found) or max(one.long_side, other.long_side) <= GRID:
        return True
    near, beside = one.closer(CLOSE_GRID), other.closer(CLOSE_GRID)
    scale = np.diag([near.width / one.width, near.height / one.height, 1.0])
    back = np.diag([other.width / beside.width, other.height / beside.height, 1.0])
    placed = Placed(scale @ matrix @ back, found.inliers, found.cells, found.orientation, False)
    closer = evidence(near, beside, placed, CLOSE_GRID, way)
    return closer is not None and is_copy(closer)


def _scene(found: Evidence | None, orientation: int) -> Verdict:
    if found is None:
        return Verdict(Relation.SAME_SCENE, orientation)
    left = _left_over(found)
    return Verdict(Relation.SAME_SCENE, orientation, _changed(found), _is_marked(left, found))


def _left_over(found: Evidence) -> Residual:
    return found.plain if found.unlit or found.free is None else found.free


def _changed(found: Evidence) -> float:
    return float(_left_over(found).unexplained.mean())


def _is_marked(left: Residual, found: Evidence) -> bool:
    """Whether all that differs is one small area, such as a logo, a date or a box."""
    share = float(left.unexplained.mean())
    if not 0 < share <= MARK_SHARE or left.noise > MARK_REST or min(found.covered) < 0.9:
        return False
    reach = 2 * round(MARK_JOIN * found.length) + 1
    joined = cv2.dilate(left.unexplained.astype(np.uint8), np.ones((reach, reach), np.uint8))
    return cv2.connectedComponents(joined, connectivity=8)[0] == 2
