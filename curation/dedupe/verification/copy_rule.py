"""The rule: what a registered pair must show to be a copy, and what it shows otherwise.

The limits were chosen on pairs of 52 kinds of edits and of different pictures of 40 kinds, and tried on others
(benchmarks/relations.py). A pair is a copy only where all that the light leaves over is noise. Three rules differ in
what they have to go by:

- unchanged light: the peak of the residual is the strongest test, and a small area must not stand out;
- changed light: the fit may hide small things, so more structure is asked for, and the colours must not tell otherwise;
- pictures with little structure, such as graphics: nothing at all may stand out, and they must lie upright.
"""

from typing import NamedTuple

from curation.dedupe.verification.colours import Colours
from curation.dedupe.verification.residuals import Residual
from curation.dedupe.verification.structure import Structure

COVERED = (0.85, 0.25)  # share that must be shown of the better covered picture, and of the other
COVERED_GRAPHIC = 0.9
NOISE = 8.0  # grey levels of residual that three quarters of the pixels may have
AREA, PROMINENCE = 12, 2.5  # of what may stand out in unchanged light
BROAD, BROAD_MOVED, UNEVEN = 1.0, 1.7, 3.0  # and of what is broad and faint; registration is not perfect
QUIET, AS_SHARP = 0.6, 1.1  # noise, and ratio of sharpness, up to which hardly anything was done to a picture:
QUIET_AREA, QUIET_PROMINENCE, QUIET_BROAD = 2, 1.8, 0.65  # then what stands out is a faint spot, or a far animal
USUAL = 256  # pixels of the grid that the limits hold for: at a closer look there are more pixels to stand out
LIT_AREA, LIT_STRONG_AREA = 240, 40  # and in changed light
GRAPHIC_NOISE, GRAPHIC_PROMINENCE = 3.0, 1.6
UNLIKE_AREA = 20  # pixels of strong structure that may disagree
CORRELATION = 0.9
GREY = 0.1  # share of pixels with a hue below which pictures are grey. Grey pictures of one kind agree by chance:
SMOOTH, SMOOTH_CORRELATION = 0.45, 0.998  # below this share of structure, healthy solar cells of one module to 0.996,
EVEN, EVEN_CORRELATION = 0.72, 0.99  # and below this one, cells whose wafers lay side by side in one crystal to 0.989
RICH, RICH_TONES = 0.35, 7  # share of structure, or tones, from which there is enough to compare
ANCHORS, CELLS = 25, 7  # inliers that prove the registration, and the cells they lie in
LIT_ANCHORS, LIT_CELLS, LIT_LENGTH, LIT_TONES = 40, 12, 160, 5
LIT_RICH, LIT_AREA_SMOOTH = 0.5, 60  # share of structure below which less area may stand out
LIT_SAME = 0.5  # share of pixels that stayed as they were, from which the light did not change
LIT_BROAD, LIT_PROMINENCE, LIT_CORRELATION = 3.3, 3.7, 0.982  # cells of one wafer agree to 0.980


class Evidence(NamedTuple):
    """What was measured of a pair.

    plain: residual after one gain and offset. free: after a smooth change of colour and place; None where the plain
    one is noise already, so the light is unchanged for certain.
    """

    plain: Residual
    free: Residual | None
    structure: Structure
    colours: Colours
    covered: tuple[float, float]
    length: int
    orientation: int
    inliers: int
    cells: int
    one_grey: bool  # exactly one of the two is grey or of one tint
    still: bool  # the whole frames lie on each other, nearly
    unmoved: bool  # and wholly
    sharper: float  # how much sharper one is than the other
    sharpened: bool  # whether the softer one was sharpened for the comparison

    @property
    def broad_limit(self) -> float:
        """What may differ broadly: more where the pictures had to be brought together."""
        return BROAD if self.still and not self.sharpened else BROAD_MOVED

    @property
    def unlit(self) -> bool:
        """Whether the light is unchanged: a free change of light explains hardly more than one gain and offset."""
        return self.free is None or self.plain.noise <= 1.3 * self.free.noise + 0.7


def is_copy(found: Evidence) -> bool:
    """Whether the pair shows one picture."""
    if found.covered[0] < COVERED[0] or found.covered[1] < COVERED[1] or not _details_agree(found):
        return False
    if found.unlit and _is_anchored(found, ANCHORS, CELLS) and _has_enough(found):
        return _is_plain_copy(found) and not _recoloured_in_part(found)
    if not found.unlit and found.structure.share >= RICH:
        return _is_lit_copy(found) and not _recoloured_in_part(found)
    return _is_same_graphic(found)


def _details_agree(found: Evidence) -> bool:
    """Whether the structure agrees."""
    structure = found.structure
    return structure.unlike_area <= UNLIKE_AREA and structure.correlation >= _least_correlation(found)


def _least_correlation(found: Evidence) -> float:
    """How well details must agree. Grey pictures have nothing else to show, so the less they have, the better."""
    if found.colours.hued >= GREY or found.structure.share >= EVEN:
        return CORRELATION
    if found.structure.share < SMOOTH:
        return SMOOTH_CORRELATION
    return CORRELATION if found.one_grey else EVEN_CORRELATION


def _has_enough(found: Evidence) -> bool:
    return found.structure.share >= RICH or found.colours.shades >= RICH_TONES


def _is_anchored(found: Evidence, inliers: int, cells: int) -> bool:
    """Whether the registration is proven, by keypoints or by details that agree all over the picture."""
    return (found.inliers >= inliers and found.cells >= cells) or found.structure.cells >= cells


def _is_plain_copy(found: Evidence) -> bool:
    return explains_all(found.plain, found.length, found.broad_limit) and not _differs_in_quiet(found)


def _differs_in_quiet(found: Evidence) -> bool:
    """Whether something faint stands out of two pictures that are equal but for it."""
    quiet = found.unmoved and not found.sharpened and found.sharper <= AS_SHARP and found.plain.noise < QUIET
    return quiet and differs_faintly(found)


def differs_faintly(found: Evidence) -> bool:
    """Whether something stands out that only two pictures of little noise show."""
    plain = found.plain
    return (
        plain.area > QUIET_AREA * closeness(found.length)
        or plain.prominence > QUIET_PROMINENCE
        or _differs_broadly(plain, found.length, QUIET_BROAD)
    )


def explains_all(plain: Residual, length: int, broad: float = BROAD) -> bool:
    """Whether nothing stands out in a residual on a grid of so many pixels."""
    return (
        plain.area <= AREA * closeness(length)
        and not _differs_broadly(plain, length, broad)
        and plain.prominence <= PROMINENCE
        and plain.noise <= NOISE
    )


def _differs_broadly(plain: Residual, length: int, broad: float) -> bool:
    return plain.broad > broad * closeness(length) or plain.uneven > UNEVEN


def closeness(length: int) -> float:
    """How much finer a grid of so many pixels is than the usual one."""
    return max(1.0, length / USUAL)


def _is_lit_copy(found: Evidence) -> bool:
    """Whether a smooth change of the light explains all."""
    free = found.free
    if found.structure.share < RICH or not _is_anchored(found, LIT_ANCHORS, LIT_CELLS):
        return False
    if free is None or found.length < LIT_LENGTH or found.colours.shades < LIT_TONES or found.colours.same > LIT_SAME:
        return False
    if found.structure.correlation < LIT_CORRELATION or free.broad > LIT_BROAD or free.prominence > LIT_PROMINENCE:
        return False
    if found.colours.of_coloured > 0.5 and not found.one_grey:
        return False
    most = LIT_AREA if found.structure.share >= LIT_RICH else LIT_AREA_SMOOTH
    return free.area <= most and free.strong_area <= LIT_STRONG_AREA and free.noise <= NOISE


def _recoloured_in_part(found: Evidence) -> bool:
    """Whether most stayed as it was, and some hues turned: a thing of another colour, not a recoloured picture."""
    seen = found.colours
    return seen.same > 0.5 and seen.turned > 0.01 and seen.of_coloured > 0.1 and not found.one_grey


def _is_same_graphic(found: Evidence) -> bool:
    if found.orientation or not found.unlit or found.covered[1] < COVERED_GRAPHIC or found.colours.turned > 0.005:
        return False
    plain = found.plain
    return (
        not plain.area
        and not _differs_broadly(plain, found.length, found.broad_limit)
        and plain.prominence <= GRAPHIC_PROMINENCE
        and plain.noise <= GRAPHIC_NOISE
    )
